import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import type { FarStore } from '../core/far-store.js'
import { orError } from '../core/settled.js'
import type { TwinServer } from './twin-server.js'
import { sweepTwin } from './twin-sweep.js'

export interface TwinStoreOptions {
  readonly server: TwinServer
  /** The server's time: only that it never goes back matters. */
  readonly clock: Pick<Clock, 'now'>
}

/**
 * The far store of a process without Redis: a client of a twin server in the same process. It is always reachable, so it has no deadlines.
 * An act happens in a microtask after its call, never within it, so a caller hears no notice before its own call has returned; acts happen in
 * the order of their calls.
 */
export function twinStore({ server, clock }: TwinStoreOptions): FarStore {
  let closed = false
  let stopListening = () => {}
  const group = { id: server.runId, shards: Array.from({ length: server.shards }, (_, shard) => shard) }

  function later<T>(act: (nowMs: number) => T): Promise<T> {
    return Promise.resolve().then(() => {
      if (closed) throw new ForebayError('E_REDIS_AWAY', 'The store is closed.')
      return act(Math.floor(clock.now()))
    })
  }

  return {
    shards: server.shards,
    alone: true,
    nodeOf: () => (closed ? undefined : server.runId),
    groups: () => [group],
    get: (at) => later((nowMs) => server.get(at, nowMs)),
    getMany: (ats) => Promise.all(ats.map((at) => orError(later((nowMs) => server.get(at, nowMs))))),
    check: (at, request) => later((nowMs) => server.check(at, request, nowMs)),
    acquire: (at, request) => later((nowMs) => server.acquire(at, request, nowMs)),
    fill: (at, request) =>
      later((nowMs) => {
        const answer = server.fill(at, request, nowMs)
        if (answer.kind === 'stored') request.value.onStored?.()
        return answer
      }),
    release: (at, request) => later((nowMs) => server.release(at, request, nowMs)),
    renew: (at, request) => later((nowMs) => server.renew(at, request, nowMs)),
    extend: (at, request) => later((nowMs) => server.extend(at, request, nowMs)),
    write: (at, request) =>
      later((nowMs) => {
        const answer = server.write(at, request, nowMs)
        if (request.kind === 'set' && answer.stored) request.value.onStored?.()
        return answer
      }),
    stamp: (shard, request) => later(() => server.stamp(shard, request)),
    sync: (shard, request) => later((nowMs) => server.sync(shard, request, nowMs)),
    ask: (asked) => later((nowMs) => server.ask(asked.shards, nowMs)),
    replay: (shard, request) => later(() => server.replay(shard, request)),
    sweep: (request) =>
      sweepTwin(
        {
          names: () => later(() => server.entryNames(group.shards)),
          sweep: (names) => later((nowMs) => server.sweep(names, request, nowMs)),
        },
        request.pause,
      ),
    onNotice(listener) {
      stopListening()
      stopListening = server.listen(listener)
    },
    async close() {
      closed = true
      stopListening()
    },
  }
}
