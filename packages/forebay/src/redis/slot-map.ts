import type { Address } from './plan.js'
import { listOf, numberOf, textOf } from './replies.js'

/** Consecutive slots, the primary that serves them, and its replicas. */
export interface SlotRange {
  readonly first: number
  readonly last: number
  readonly primary: Address
  readonly replicas: readonly Address[]
}

/** Reads the answer to `CLUSTER SLOTS`. A node that does not say its own host means the one it was asked at. */
export function slotRangesOf(reply: unknown, askedHost: string): readonly SlotRange[] {
  return listOf(reply).map((range) => {
    const [first, last, primary, ...replicas] = listOf(range)
    return {
      first: numberOf(first),
      last: numberOf(last),
      primary: addressOf(primary, askedHost),
      replicas: replicas.map((replica) => addressOf(replica, askedHost)),
    }
  })
}

function addressOf(node: unknown, askedHost: string): Address {
  const [host, port] = listOf(node)
  const said = host === null ? '' : textOf(host)
  return { host: said === '' || said === '?' ? askedHost : said, port: numberOf(port) }
}

/** The replicas of one primary, each once however many ranges it has. */
export function replicasOf(ranges: readonly SlotRange[], primary: string): readonly Address[] {
  const named = ranges.filter((range) => idOf(range.primary) === primary).flatMap(({ replicas }) => replicas)
  return [...new Map(named.map((address) => [idOf(address), address])).values()]
}

export function primaryOf(ranges: readonly SlotRange[], slot: number): Address | undefined {
  return ranges.find(({ first, last }) => first <= slot && slot <= last)?.primary
}

/** A node's name in our books. */
export function idOf({ host, port }: Address): string {
  return `${host}:${port}`
}
