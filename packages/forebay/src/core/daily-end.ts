/**
 * A moment of each day by a wall clock: `04:00` in Berlin is another instant in summer than in winter. On the day on which clocks are set
 * forward over it, it comes as much later as they were set; on the day on which they pass it twice, the first time counts.
 */
export class DailyEnd {
  readonly minuteOfDay: number
  readonly timeZone: string
  readonly #format: Intl.DateTimeFormat
  #sinceMs = 0
  #nextMs = 0

  /** Throws a RangeError on a time zone that does not exist. */
  constructor(minuteOfDay: number, timeZone: string) {
    this.minuteOfDay = minuteOfDay
    this.timeZone = timeZone
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /** The next such moment after `wallMs`, by the wall clock in milliseconds since 1970. */
  after(wallMs: number): number {
    if (wallMs < this.#sinceMs || wallMs >= this.#nextMs) {
      this.#sinceMs = wallMs
      this.#nextMs = this.#seek(wallMs)
    }
    return this.#nextMs
  }

  #seek(wallMs: number): number {
    const today = Math.floor((wallMs + this.#offset(wallMs)) / dayMs)
    for (let day = today - 1; ; day++) {
      const instant = this.#instant(day * dayMs + this.minuteOfDay * 60_000)
      if (instant > wallMs) return instant
    }
  }

  /** The instant at which the wall clock shows this time, given as if it were UTC. */
  #instant(localMs: number): number {
    const before = localMs - this.#offset(localMs - dayMs)
    const after = localMs - this.#offset(localMs + dayMs)
    const shown = [before, after].filter((instant) => instant + this.#offset(instant) === localMs)
    return shown.length === 0 ? before : Math.min(...shown)
  }

  /** What is shown less UTC, in milliseconds. */
  #offset(instantMs: number): number {
    const shown: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(instantMs)) shown[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instantMs / 1_000) * 1_000
  }
}

const dayMs = 86_400_000
