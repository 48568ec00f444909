import { ForebayError } from '../core/errors.js'
import type { ReplicaAnswer } from '../core/far-store.js'
import { Link, type LinkParts } from './link.js'
import type { Address } from './plan.js'
import { bytesOf, listOf, positionOf } from './replies.js'
import { idOf } from './slot-map.js'

export interface ReplicaLinksParts extends LinkParts {
  /** What a replica has to be told before it answers reads. */
  readonly greet?: ((link: Link) => Promise<void>) | undefined
}

/** Links to the replicas of one primary. They are asked in turn. */
export class ReplicaLinks {
  readonly #parts: ReplicaLinksParts
  readonly #links = new Map<string, Link>()
  #turn = 0
  #closed = false

  constructor(parts: ReplicaLinksParts) {
    this.#parts = parts
  }

  /** These are the replicas now. */
  set(addresses: readonly Address[]): void {
    if (this.#closed) return
    const wanted = new Map(addresses.map((address) => [idOf(address), address] as const))
    for (const [id, link] of this.#links) {
      if (wanted.has(id)) continue
      this.#links.delete(id)
      link.close()
    }
    for (const [id, address] of wanted) if (!this.#links.has(id)) this.#links.set(id, new Link({ ...this.#parts, address }))
  }

  /** Asks the primary who they are. If it will not say, those known before stay. */
  async find(primary: Link): Promise<void> {
    try {
      this.set(replicasIn(String(await primary.send('act', (redis) => redis.info('replication')))))
    } catch {
      // Asked again in a while; what is wrong with the primary, its link tells.
    }
  }

  /** One that can be used now. */
  next(): Link | undefined {
    const usable = [...this.#links.values()].filter(({ node }) => node !== undefined)
    this.#turn = (this.#turn + 1) % Math.max(1, usable.length)
    return usable[this.#turn]
  }

  close(): void {
    this.set([])
    this.#closed = true
  }
}

/** The replicas that a primary names in `INFO replication`, as far as they have caught up with it at all. */
export function replicasIn(info: string): readonly Address[] {
  const found: Address[] = []
  for (const [, line = ''] of info.matchAll(/^slave\d+:(.*)$/gm)) {
    const fields = new Map(
      line
        .trim()
        .split(',')
        .map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
    )
    const [host, port] = [fields.get('ip'), Number(fields.get('port'))]
    if (host && Number.isInteger(port) && fields.get('state') === 'online') found.push({ host, port })
  }
  return found
}

/**
 * Reads an entry, and where its shard stands, at a replica. Both in one transaction: a replica may take over a whole other dataset between two
 * commands, and the position would then vouch for what it does not belong to.
 */
export async function readAtReplica(link: Link, { meta, key }: { readonly meta: string; readonly key: string }): Promise<ReplicaAnswer> {
  const answers = await link.callMany('read', [['MULTI'], ['HMGET', meta, 'inc', 'seq', 'head'], ['GET', key], ['EXEC']])
  const [refusal] = answers.filter((answer) => answer instanceof ForebayError)
  if (refusal !== undefined) throw refusal
  const [fields, bytes] = listOf(answers.at(-1))
  const place = listOf(fields)
  return { position: place.includes(null) ? undefined : positionOf(place), bytes: bytesOf(bytes) }
}
