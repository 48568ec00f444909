import { spawnSync } from 'node:child_process'
import { ratioOf, type Result, round } from './measure.js'
import { median } from './statistics.js'

const ioredis = "import { Redis } from 'ioredis'; if (typeof Redis !== 'function') throw Redis; process.exit(0)"
/** A cache of a service with Redis, so that its far store and ioredis are loaded. */
const forebay = `import { createForebay } from 'forebay'
createForebay({ service: 'bench', redis: 'redis://127.0.0.1:1' }).cache('books', { ttl: '1h' }); process.exit(0)`
const target = 1.3

/** How long a process lives that imports the library and opens its Redis tier, against one that imports ioredis; lower is better. */
export function measureImports(runs: number): Result {
  const ours: number[] = []
  const floors: number[] = []
  for (let run = -1; run < runs; run++) {
    const floorMs = lifetimeMs(ioredis)
    const oursMs = lifetimeMs(forebay)
    if (run < 0) continue // the first pair reads the files from the disk
    floors.push(floorMs)
    ours.push(oursMs)
  }
  const ratio = round(ratioOf(ours, floors))
  return { name: 'import-time', value: round(median(ours)), unit: 'ms', floor: round(median(floors)), ratio, target, ok: ratio <= target }
}

function lifetimeMs(program: string): number {
  const startedMs = performance.now()
  const cwd = new URL('.', import.meta.url)
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return performance.now() - startedMs
}
