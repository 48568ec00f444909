import { sweepTwin } from '../memory/twin-sweep.js'
import { ForebayError } from '../core/errors.js'
import { orError } from '../core/settled.js'
import type { FarStore } from '../core/far-store.js'
import { TwinServer } from '../memory/twin-server.js'
import type { SimClock } from './sim-clock.js'
import { SimServer } from './sim-server.js'

/**
 * A Redis for tests: it answers in the same turn, without any time passing, until it is told to fail. Its time is the simulated clock's.
 */
export class TestRedis {
  readonly #clock: SimClock
  readonly #server: SimServer
  readonly #deadlineMs: number
  readonly #hears = new Set<() => void>()

  constructor(clock: SimClock, options: { readonly shards: number; readonly deadlineMs: number }) {
    this.#clock = clock
    this.#deadlineMs = options.deadlineMs
    const twin = new TwinServer({ shards: options.shards, runId: 'redis.0' })
    this.#server = new SimServer({ name: 'redis', world: clock, twin, clockOffsetMs: clock.wall() - clock.now() })
  }

  /** It answers nothing any more, and keeps its connections; commands fail at their deadline. */
  freeze(): void {
    this.#server.freeze(Number.POSITIVE_INFINITY)
  }

  /** It goes on, and first does what came in meanwhile, though nobody waits for that any longer. */
  thaw(): void {
    this.#server.thaw()
  }

  /** It ends; commands fail at once. */
  stop(): void {
    this.#server.stop()
  }

  /** It starts anew, with its data or without. */
  restart(options: { readonly loseData?: boolean | undefined } = {}): void {
    if (this.#server.up) this.#server.stop()
    this.#server.start({ loseData: options.loseData === true })
    for (const hear of this.#hears) hear()
  }

  /** A process's store on it. */
  connect(): FarStore {
    const server = this.#server
    const group = { id: 'redis', shards: Array.from({ length: server.twin.shards }, (_, shard) => shard) }
    const act = <T>(does: (twin: TwinServer, nowMs: number) => T): Promise<T> => this.#act(does)
    return {
      shards: server.twin.shards,
      nodeOf: () => (server.up ? server.twin.runId : undefined),
      groups: () => [group],
      get: (at) => act((twin, nowMs) => twin.get(at, nowMs)),
      getMany: async (ats) => {
        const found = await orError(act((twin, nowMs) => ats.map((at) => twin.get(at, nowMs))))
        return found instanceof ForebayError ? ats.map(() => found) : found
      },
      check: (at, request) => act((twin, nowMs) => twin.check(at, request, nowMs)),
      acquire: (at, request) => act((twin, nowMs) => twin.acquire(at, request, nowMs)),
      fill: (at, request) => act((twin, nowMs) => twin.fill(at, request, nowMs)),
      release: (at, request) => act((twin, nowMs) => twin.release(at, request, nowMs)),
      renew: (at, request) => act((twin, nowMs) => twin.renew(at, request, nowMs)),
      extend: (at, request) => act((twin, nowMs) => twin.extend(at, request, nowMs)),
      write: (at, request) => act((twin, nowMs) => twin.write(at, request, nowMs)),
      stamp: (shard, request) => act((twin) => twin.stamp(shard, request)),
      sync: (shard, request) => act((twin, nowMs) => twin.sync(shard, request, nowMs)),
      ask: (asked) => act((twin, nowMs) => twin.ask(asked.shards, nowMs)),
      replay: (shard, request) => act((twin) => twin.replay(shard, request)),
      sweep: (request) =>
        sweepTwin(
          {
            names: () => act((twin) => twin.entryNames(group.shards)),
            sweep: (names) => act((twin, nowMs) => twin.sweep(names, request, nowMs)),
          },
          request.pause,
        ),
      onNotice: (listener) => {
        const hear = () => void server.twin.listen(listener)
        this.#hears.add(hear)
        hear()
      },
      async close() {},
    }
  }

  #act<T>(does: (twin: TwinServer, nowMs: number) => T): Promise<T> {
    const server = this.#server
    if (!server.up) return Promise.reject(new ForebayError('E_REDIS_AWAY', 'The simulated Redis is down.'))
    return new Promise<T>((resolve, reject) => {
      const expire = () => reject(new ForebayError('E_REDIS_DEADLINE', 'The simulated Redis did not answer in time.'))
      const deadline = this.#clock.after(this.#deadlineMs, expire)
      const receive = () =>
        server.receive(() => {
          deadline.cancel()
          try {
            resolve(does(server.twin, server.nowMs()))
          } catch (error) {
            reject(error)
          }
        })
      // Not within the call, so that nobody hears of his own act before his call has returned.
      void Promise.resolve().then(receive)
    })
  }
}
