/**
 * How a Redis server is held at the moment. `connecting`: there is no usable link to it. `healthy`: all is well. `degraded`: it is used, but
 * not all is well, and fewer reads may be under way at once. `open`: its answers are late or errors; nobody waits for it. `probing`: it
 * seems to be well again, and a few reads try it.
 */
export type NodeState = 'connecting' | 'healthy' | 'degraded' | 'open' | 'probing'

/** One Redis server as this process knows it. */
export interface NodeStats {
  /** Its address, as in `linkErrors`. */
  readonly node: string
  readonly state: NodeState
  readonly forMs: number
  /** What led to this state. */
  readonly why: string
  /** Reads that it owes an answer to, whether their callers still wait or not. */
  readonly inFlight: number
  /** Most of them at once, now: it falls where answers are slow, and rises again. */
  readonly limit: number
  /** How long a read waits for its answer, now. */
  readonly deadlineMs: number
  /** Of the answers to reads in the last seconds; 0 where there were none. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Since the start: reads that were not sent, because too many were under way; and calls that were not answered in time. */
  readonly shed: number
  readonly late: number
}
