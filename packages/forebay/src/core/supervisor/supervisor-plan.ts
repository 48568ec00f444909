/** When a server counts as ill, and how it is tried again. */
export interface SupervisorPlan {
  /** How long a read waits: between these, by what is usual. */
  readonly deadline: { readonly minMs: number; readonly maxMs: number }
  /** Most reads under way at once. */
  readonly maxInFlight: number
  readonly circuit: CircuitPlan
  readonly health: HealthPlan
}

export interface CircuitPlan {
  /** Answers older than this say nothing about now. */
  readonly windowMs: number
  /** Fewer answers than this prove nothing. */
  readonly minimum: number
  /** From this share of failures on the circuit opens. */
  readonly share: number
  /** It stays open so long; doubled with each try that fails, up to the longest. */
  readonly openMs: number
  readonly longestOpenMs: number
  /** So many reads try a server at once, and so many good answers close the circuit. */
  readonly probes: number
}

export interface HealthPlan {
  readonly everyMs: number
  /** The same while something is wrong. */
  readonly uneasyEveryMs: number
  /** So many checks in a row without an answer open the circuit. */
  readonly failures: number
}

export const defaultSupervision: SupervisorPlan = {
  deadline: { minMs: 40, maxMs: 150 },
  maxInFlight: 10_000,
  circuit: { windowMs: 10_000, minimum: 20, share: 0.5, openMs: 250, longestOpenMs: 10_000, probes: 3 },
  health: { everyMs: 10_000, uneasyEveryMs: 1_000, failures: 3 },
}
