import type { OriginValue } from './origin.js'

/** One write verb of one process: whoever is bound by it must not see versions older than those it covers. */
export interface Fence {
  readonly id: number
  readonly node: string
  /** `stale` binds only answers that claim to be fresh; `tags` does not bind empty values, which have none. */
  readonly kind: 'key' | 'set' | 'update' | 'stale' | 'tags' | 'pattern' | 'clear'
  /** Key (cache/key) → the version that was the newest when the verb was called. */
  readonly covers: ReadonlyMap<string, number>
  readonly beganMs: number
  /** When the verb resolved, whatever it said. */
  endedMs: number | undefined
  token: string | undefined
  /** From when on other processes are bound: acknowledged, or sent later from the outbox. */
  effectiveMs: number | undefined
}

/** A stretch of a group's history that a failover lost. Fences that may lie in it are judged after things have settled. */
export interface LostSpan {
  readonly sinceMs: number
  readonly untilMs: number
}

/** A `set` that the server executed after its caller had given up: it may bring an older version back, as documented. */
export interface LateSet {
  readonly key: string
  readonly version: number
  readonly atMs: number
}

export class Fences {
  readonly #byKey = new Map<string, Fence[]>()
  readonly #all: Fence[] = []
  readonly lost: LostSpan[] = []
  readonly lateSets: LateSet[] = []

  get all(): readonly Fence[] {
    return this.#all
  }

  begin(given: Pick<Fence, 'node' | 'kind' | 'covers' | 'beganMs'>): Fence {
    const fence: Fence = { id: this.#all.length, ...given, endedMs: undefined, token: undefined, effectiveMs: undefined }
    this.#all.push(fence)
    for (const key of given.covers.keys()) {
      const known = this.#byKey.get(key)
      if (known === undefined) this.#byKey.set(key, [fence])
      else known.push(fence)
    }
    return fence
  }

  /** The fences that would bind an answer with this version of this key, if their time has come; the newest first. */
  *newerThan(key: string, version: number, value: OriginValue): Iterable<Fence> {
    const known = this.#byKey.get(key) ?? []
    for (let i = known.length - 1; i >= 0; i--) {
      const fence = known[i]
      // Versions grow, so what was fenced before covers no more.
      if (fence === undefined || (fence.covers.get(key) ?? 0) <= version) return
      if (fence.kind === 'tags' && (value === null || value === undefined)) continue
      if (!this.#broughtBackLate(key, version, fence)) yield fence
    }
  }

  /** Whether a failover may have lost it. */
  mayBeLost(fence: Fence): boolean {
    const untilMs = fence.effectiveMs ?? Number.POSITIVE_INFINITY
    return this.lost.some((span) => fence.beganMs <= span.untilMs && untilMs >= span.sinceMs)
  }

  #broughtBackLate(key: string, version: number, fence: Fence): boolean {
    return this.lateSets.some((late) => late.key === key && late.version === version && late.atMs > fence.beganMs)
  }
}
