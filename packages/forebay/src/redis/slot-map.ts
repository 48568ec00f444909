import type { Address } from './plan.js'
import { listOf, numberOf, textOf } from './replies.js'

/** Consecutive slots and the primary that serves them. */
export interface SlotRange {
  readonly first: number
  readonly last: number
  readonly primary: Address
}

/** Reads the answer to `CLUSTER SLOTS`. A node that does not say its own host means the one it was asked at. */
export function slotRangesOf(reply: unknown, askedHost: string): readonly SlotRange[] {
  return listOf(reply).map((range) => {
    const [first, last, primary] = listOf(range)
    const [host, port] = listOf(primary)
    const said = host === null ? '' : textOf(host)
    return {
      first: numberOf(first),
      last: numberOf(last),
      primary: { host: said === '' || said === '?' ? askedHost : said, port: numberOf(port) },
    }
  })
}

export function primaryOf(ranges: readonly SlotRange[], slot: number): Address | undefined {
  return ranges.find(({ first, last }) => first <= slot && slot <= last)?.primary
}

/** A node's name in our books. */
export function idOf({ host, port }: Address): string {
  return `${host}:${port}`
}
