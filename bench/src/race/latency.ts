import { quantile } from '../statistics.js'
import type { Fleet } from './fleet.js'

export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** From the start of an invalidation in one process until another one's memory has stopped serving the old value. */
export async function coherenceLatency({ workers }: Fleet, rounds: number): Promise<Latencies> {
  const [writer, watcher] = workers
  if (writer === undefined || watcher === undefined) throw new Error('two processes are needed')
  const took: number[] = []
  for (let round = 0; round < rounds; round++) {
    const key = `latency:${round}.`
    await watcher.call('watch', { key, version: 1 })
    const beganMs = await writer.call<number>('invalidate', key)
    took.push((await watcher.call<number>('goneAt', key)) - beganMs)
  }
  return { p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99) }
}
