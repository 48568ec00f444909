import type { Address } from './plan.js'
import { listOf, numberOf, textOf } from './replies.js'
import { idOf } from './slot-map.js'

/** What one Sentinel says: where the primary is, and by which failover. */
export interface SentinelWord {
  readonly master: Address
  readonly epoch: number
  readonly atMs: number
}

/** A Sentinel that has not answered for so long no longer counts: names can be set up anew, and epochs then begin at 0 again. */
const forgottenAfterMs = 60_000

/**
 * Where the primary is. Sentinels that have not heard of a failover yet still name the one before, however many they are, so the latest
 * failover counts, not the majority; `present` stays while nobody knows of a later one.
 */
export function masterBy(words: Iterable<SentinelWord>, present: Address | undefined, nowMs: number): Address | undefined {
  const known = [...words].filter(({ atMs }) => nowMs - atMs < forgottenAfterMs)
  const latest = Math.max(...known.map(({ epoch }) => epoch))
  const named = known.filter(({ epoch }) => epoch === latest).map(({ master }) => master)
  return named.find((master) => present !== undefined && idOf(master) === idOf(present)) ?? named[0] ?? present
}

/** Reads the answers to `SENTINEL MASTER` and `SENTINEL GET-MASTER-ADDR-BY-NAME`. */
export function wordOf(fields: unknown, address: unknown, atMs: number): SentinelWord {
  const list = listOf(fields)
  const epoch = list.findIndex((field, i) => i % 2 === 0 && textOf(field) === 'config-epoch')
  const [host, port] = listOf(address)
  return { master: { host: textOf(host), port: numberOf(port) }, epoch: epoch < 0 ? 0 : numberOf(list[epoch + 1]), atMs }
}

/** Whether a `+switch-master` message, `<name> <old host> <old port> <new host> <new port>`, is about this name. */
export function isSwitchOf(name: string, message: string): boolean {
  return message.startsWith(`${name} `)
}
