import { setTimeout as pause } from 'node:timers/promises'
import { type Line, line } from './line.js'
import type { Place } from './place.js'

/** What one process costs that does nothing: its questions, with which it proves that its memory is fresh. */
export async function* idleCost({ kind, meter, start }: Place, ms: number): AsyncGenerator<Line> {
  const nobody = await meter.idle(ms)
  for (const maxStalenessMs of [2_000, 500]) {
    const worker = await start({ maxStalenessMs, instances: 1 })
    await pause(1_000) // what a new process begins with
    const cpuBefore = await worker.call<number>('cpuMs')
    const { bytesIn, bytesOut, cpuMs } = await meter.idle(ms)
    const ownCpuMs = ((await worker.call<number>('cpuMs')) - cpuBefore) / (ms / 1_000)
    const commands = await meter.commands(() => pause(ms))
    await worker.close()
    const all = [...commands.values()].reduce((sum, count) => sum + count, 0)
    const name = `idle, ${kind}, maxStaleness ${maxStalenessMs / 1_000} s`
    yield line(`${name}: commands`, all / (ms / 1_000), 'a second')
    yield line(`${name}: to the servers`, bytesIn - nobody.bytesIn, 'bytes a second')
    yield line(`${name}: from the servers`, bytesOut - nobody.bytesOut, 'bytes a second')
    yield line(`${name}: CPU of the servers`, cpuMs - nobody.cpuMs, 'ms a second')
    yield line(`${name}: CPU of the process`, ownCpuMs, 'ms a second')
  }
}
