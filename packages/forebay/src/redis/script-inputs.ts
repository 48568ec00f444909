import type { Bytes } from '../core/bytes.js'
import { sealEnvelope } from '../core/envelope.js'
import type { EntryAddress, StoredValue } from '../core/far-store.js'
import { encodeTidings } from '../core/notice.js'
import type { KnownVersions } from './known-versions.js'
import type { Layout } from './layout.js'

/** The keys that the scripts are given, and the arguments that go with them whatever the script does. */
export class ScriptNames {
  readonly #layout: Layout
  readonly #ring: 'SPUBLISH' | 'PUBLISH'

  /** `slotted`: bells ring by slot. */
  constructor(layout: Layout, { slotted }: { readonly slotted: boolean }) {
    this.#layout = layout
    this.#ring = slotted ? 'SPUBLISH' : 'PUBLISH'
  }

  /** What every script takes: the shard's keys, and how its bell is rung. */
  ofShard(shard: number) {
    const { meta, stamps, log, bell } = this.#layout.shard(shard)
    return { keys: { meta, stamps, log }, args: { ring: this.#ring, bell } }
  }

  ofEntry(at: EntryAddress) {
    const { keys, args } = this.ofShard(at.shard)
    const names = this.#layout.shard(at.shard)
    return {
      keys: { key: names.entry(at), lease: names.lease(at), ...keys },
      args: { cache: at.cache, version: at.version, canonical: at.key, ...args },
    }
  }

  /** For a write, which reaches the key in all versions. */
  inEveryVersion(at: EntryAddress, versions: KnownVersions) {
    const { keys, args } = this.ofEntry(at)
    const { entry, lease } = this.#layout.shard(at.shard)
    const others = versions.othersOf(at).flatMap((other) => [entry(other), lease(other)])
    return { keys: { others, ...keys }, args: { known: versions.listFor(at), ...args } }
  }
}

/** The notice that tells those who wait for a load that it is over. */
export function filled(at: EntryAddress): string {
  return encodeTidings({ kind: 'filled', cache: at.cache, key: at.key }).payload
}

/** A value as the scripts take it: the script puts times, incarnation and epoch into the blank places of the header. */
export function stored({ payload, codec, tags, freshMs, staleMs, errorMs, keepMs, extendMs, costMs, version }: StoredValue) {
  const blank = { createdMs: 0, freshUntilMs: 0, staleUntilMs: 0, errorUntilMs: 0, inc: '', epoch: 0 }
  const envelope = bufferOf(sealEnvelope({ codec, tags, payload, version, extendMs, costMs: Math.round(costMs), ...blank }))
  return { envelope, freshMs: whole(freshMs), staleMs: Math.round(staleMs), errorMs: Math.round(errorMs), keepMs: Math.round(keepMs) }
}

/** Redis takes whole milliseconds, at least one. */
export function whole(ms: number): number {
  return Math.max(1, Math.round(ms))
}

/** The same bytes as the client wants them; nothing is copied. */
export function bufferOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
