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
 * has learned from another. Their runs take turns, so that a busy minute of the machine hits all of them alike; the medians count.
 */
export async function measure(row: Row, effort: Effort, peers: string | undefined): Promise<readonly Result[]> {
  const server = row.needsRedis ? await startServer() : undefined
  const plan = { callers: row.callers, size: row.size, redisUrl: server?.url, peers }
  const names = [...row.floors, row.subject, ...(peers === undefined ? [] : row.peers)]
  const runners: Runner[] = []
  try {
    for (const subject of names) runners.push(await start({ ...plan, subject }))
    for (const { calls } of runners) await calls.call('run', effort.warmUpMs)
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

function results(row: Row, runners: readonly Runner[]): readonly Result[] {
  const rate = (subject: string): number => median(runners.find((runner) => runner.subject === subject)?.rates ?? [])
  const floor = Math.max(...row.floors.map(rate))
  return runners
    .filter(({ subject }) => !row.floors.includes(subject))
    .map(({ subject }) => {
      const ours = subject === row.subject
      const value = rate(subject)
      const ratio = value / floor
      const target = ours ? (row.target ?? null) : null
      const name = ours ? row.name : `${row.name}/${subject.replace(/,.*/, '')}`
      return {
        name,
        value: Math.round(value),
        unit: 'ops/s',
        floor: Math.round(floor),
        ratio: round(ratio),
        target,
        ok: target === null || ratio >= target,
      }
    })
}

export function round(ratio: number): number {
  return Math.round(1_000 * ratio) / 1_000
}
