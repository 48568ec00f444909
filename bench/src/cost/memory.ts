import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Calls } from '../calls.js'
import { type Line, line } from './line.js'

const workerFile = fileURLToPath(new URL('./memory-worker.js', import.meta.url))
const runs = 5

/** Of memory itself, without a cache around it: how long one `set` stands still, and what an entry takes beyond a bare `Map`. */
export async function* memoryCost(entries: number): AsyncGenerator<Line> {
  // A young generation so large that most runs have few collections: those are subtracted, but are best not there.
  const child = fork(workerFile, { execArgv: ['--expose-gc', '--max-semi-space-size=128'] })
  const calls = new Calls(child)
  try {
    const stalls: Stall[] = []
    for (let run = 0; run < runs; run++) stalls.push(await calls.call<Stall>('stall', entries))
    const least = (of: (stall: Stall) => number): number => Math.min(...stalls.map(of))
    const [ours, control] = [least(({ ours }) => ours), least(({ control }) => control)]
    yield judged('set-stall', ours - control, `ms over the control's ${control.toFixed(2)}, ${entries} entries`, 2)
    for (const tags of [0, 1]) {
      const bytes = await calls.call<number>('bytes', { entries, tags })
      yield judged(`bytes-per-entry, ${tags} tags`, bytes, `bytes over a bare Map, ${entries} entries`, 80)
    }
  } finally {
    child.kill()
  }
}

/** The longest single step in which no other process had the core, without the garbage collector's part, in ms. */
export interface Stall {
  readonly ours: number
  readonly control: number
}

function judged(name: string, value: number, unit: string, target: number): Line {
  return { ...line(name, value, unit), target, ok: value <= target }
}
