/** One number that was measured. */
export interface Line {
  readonly name: string
  readonly value: number | string
  readonly unit: string
  /** The most it may be, where that is laid down. */
  readonly target?: number
  readonly ok?: boolean
}

export function line(name: string, value: number | string, unit: string): Line {
  return { name, value: typeof value === 'number' ? round(value) : value, unit }
}

/** Below a tenth there is nothing but noise. */
function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Math.round(10 * value) / 10 + 0
}
