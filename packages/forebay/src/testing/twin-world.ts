import type { FarStore } from '../core/far-store.js'
import { TwinServer } from '../memory/twin-server.js'
import { twinStore } from '../memory/twin-store.js'
import type { ConformanceWorld } from './conformance.js'

/** A world of a twin server and two of its clients; `alter` puts something around these, such as a fault that a check must see. */
export function openTwinWorld(alter: (store: FarStore) => FarStore = (store) => store): ConformanceWorld & { readonly server: TwinServer } {
  const server = new TwinServer({ shards: 2, runId: 'twin' })
  let nowMs = 1_700_000_000_000
  const open = () => alter(twinStore({ server, clock: { now: () => nowMs + 0.5 } }))
  return {
    server,
    store: open(),
    store2: open(),
    async advance(ms) {
      nowMs += ms
    },
    async evict(kind, shard, at) {
      server.evict(kind, shard, at)
    },
    async condition(state) {
      server.writable = state !== 'read-only'
      server.full = state === 'full'
    },
    async close() {},
  }
}
