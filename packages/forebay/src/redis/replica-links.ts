import { Link, type LinkParts } from './link.js'
import type { Address } from './plan.js'
import { ReplicaReader } from './replica-reader.js'
import { idOf } from './slot-map.js'

export interface ReplicaLinksParts extends LinkParts {
  /** What a replica has to be told before it answers reads. */
  readonly greet?: ((link: Link) => Promise<void>) | undefined
}

/** Links to the replicas of one primary. They are asked in turn. */
export class ReplicaLinks {
  readonly #parts: ReplicaLinksParts
  readonly #readers = new Map<string, ReplicaReader>()
  #turn = 0
  #closed = false

  constructor(parts: ReplicaLinksParts) {
    this.#parts = parts
  }

  /** These are the replicas now. */
  set(addresses: readonly Address[]): void {
    if (this.#closed) return
    const wanted = new Map(addresses.map((address) => [idOf(address), address] as const))
    for (const [id, { link }] of this.#readers) {
      if (wanted.has(id)) continue
      this.#readers.delete(id)
      link.close()
    }
    for (const [id, address] of wanted) {
      if (this.#readers.has(id)) continue
      this.#readers.set(id, new ReplicaReader(new Link({ ...this.#parts, address }), this.#parts.clock))
    }
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
  next(): ReplicaReader | undefined {
    const usable = [...this.#readers.values()].filter(({ isUsable }) => isUsable)
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
