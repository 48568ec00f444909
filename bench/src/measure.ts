import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Calls } from './calls.js'
import type { Row } from './rows.js'
import { startServer } from './server.js'
import { median } from './statistics.js'
import type { SubjectPlan } from './subjects/subject.js'

/** What came out of one row, for ours or for a peer. */
export interface Result {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly floor: number
  readonly ratio: number
  readonly target: number | null
  readonly ok: boolean
}

export interface Effort {
  readonly runs: number
  readonly runMs: number
  readonly warmUpMs: number
}

interface Runner {
  readonly subject: string
  readonly child: ChildProcess
  readonly calls: Calls
  readonly rates: number[]
}

const childFile = fileURLToPath(new URL('./child.js', import.meta.url))

/**
 * Measures one row. Each subject lives in a fresh process of its own, so that none is slowed or sped up by what the optimizing compiler
 * has learned from another. Their runs are short and take turns, so that a busy moment of the machine hits all of them alike.
 */
export async function measure(row: Row, effort: Effort, peers: string | undefined): Promise<readonly Result[]> {
  const server = row.needsRedis ? await startServer() : undefined
  const plan = { callers: row.callers, size: row.size, redisUrl: server?.url, peers }
  const names = [...row.floors, row.subject, ...(peers === undefined ? [] : row.peers)]
  const runners: Runner[] = []
  try {
    if (server !== undefined) await fill(plan)
    for (const subject of names) runners.push(await start({ ...plan, subject }))
    // In runs as they will be: in a longer one no timer runs, memory is no longer proven, and what is warmed up is another path.
    for (let ms = 0; ms < effort.warmUpMs; ms += effort.runMs) for (const { calls } of runners) await calls.call('run', effort.runMs)
    for (let run = 0; run < effort.runs; run++) {
      for (const runner of runners) runner.rates.push(await runner.calls.call<number>('run', effort.runMs))
    }
    for (const { calls } of runners) await calls.call('close')
  } finally {
    for (const { child } of runners) child.kill()
    await server?.stop()
  }
  return results(row, runners)
}

async function start(plan: SubjectPlan): Promise<Runner> {
  const child = fork(childFile, { env: { ...process.env, NODE_ENV: 'production' } })
  const calls = new Calls(child)
  await calls.call('open', plan)
  return { subject: plan.subject, child, calls, rates: [] }
}

/** Has a process of its own store what is read. */
async function fill(plan: Omit<SubjectPlan, 'subject'>): Promise<void> {
  const { child, calls } = await start({ ...plan, subject: 'fill' })
  await calls.call('close')
  child.kill()
}

function results(row: Row, runners: readonly Runner[]): readonly Result[] {
  const floors = runners.filter(({ subject }) => row.floors.includes(subject))
  const better = floors.reduce((best, one) => (median(one.rates) > median(best.rates) ? one : best))
  return runners
    .filter((runner) => !floors.includes(runner))
    .map(({ subject, rates }) => {
      const ours = subject === row.subject
      const ratio = round(ratioOf(rates, better.rates))
      const target = ours ? (row.target ?? null) : null
      return {
        name: ours ? row.name : `${row.name}/${subject.replace(/,.*/, '')}`,
        value: Math.round(median(rates)),
        unit: 'ops/s',
        floor: Math.round(median(better.rates)),
        ratio,
        target,
        ok: target === null || ratio >= target,
      }
    })
}

/** Runs of the same turn are compared, and the median of that counts: what else the machine did then slowed both. */
export function ratioOf(rates: readonly number[], floors: readonly number[]): number {
  return median(rates.map((rate, turn) => rate / (floors[turn] ?? Number.NaN)))
}

export function round(ratio: number): number {
  return Math.round(1_000 * ratio) / 1_000
}
