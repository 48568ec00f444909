import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Judged, Supervisor } from './supervisor.js'
import { defaultSupervision } from './supervisor-plan.js'

const { circuit, health, maxInFlight } = defaultSupervision

/** What may come next, and how long after the last thing. */
const step = fc.record({
  what: fc.constantFrom('read', 'act', 'answer', 'answer', 'late', 'refuse', 'up', 'up', 'down', 'check', 'miss', 'stall'),
  afterMs: fc.constantFrom(0, 1, 5, 30, 150, 700),
  reads: fc.integer({ min: 1, max: 40 }),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Plays what comes, as a link would: a lost link ends all that it owes. */
class Play {
  nowMs = 0
  readonly states: string[] = []
  readonly owed: (Judged & { over: boolean })[] = []
  readonly supervisor = new Supervisor({
    node: 'a:1',
    plan: defaultSupervision,
    random: { unit: () => 0.5, id: () => '' },
    onChange: ({ state }) => this.states.push(state),
    nowMs: 0,
  })

  do({ what, afterMs, reads }: Step): void {
    const { supervisor } = this
    this.nowMs += afterMs
    if (what === 'read' && supervisor.room() >= reads) this.begin(reads)
    if (what === 'act') this.begin(0)
    if (what === 'answer') this.end('answered')
    if (what === 'refuse') this.end('refused')
    if (what === 'up') supervisor.linkUp(this.nowMs)
    if (what === 'stall') supervisor.stalled(this.nowMs, afterMs)
    if (what === 'check' || what === 'miss') supervisor.checked(this.nowMs, { ok: what === 'check', sentMs: this.nowMs - 1 })
    const late = this.owed.find(({ over }) => !over)
    if (what === 'late' && late !== undefined) {
      supervisor.late(late, this.nowMs)
      late.over = true
    }
    if (what !== 'down') return
    const owes = this.owed.length > 0
    while (this.owed.length > 0) this.end('lost')
    supervisor.linkDown(this.nowMs, 'gone', owes)
  }

  /** Nothing goes wrong any more. */
  recover(): void {
    while (this.owed.length > 0) this.end('answered')
    this.supervisor.linkUp(this.nowMs)
    const untilMs = this.nowMs + 3 * circuit.windowMs + 2 * circuit.longestOpenMs
    while (this.nowMs < untilMs) {
      this.nowMs += 100
      if (this.supervisor.checkIsDue(this.nowMs)) this.supervisor.checked(this.nowMs + 1, { ok: true, sentMs: this.nowMs })
    }
  }

  private begin(reads: number): void {
    this.supervisor.begin(reads)
    this.owed.push({ dueMs: this.nowMs + 150, patienceMs: 150, reads, over: false })
  }

  private end(how: 'answered' | 'refused' | 'lost'): void {
    const call = this.owed.shift()
    if (call !== undefined) this.supervisor.ended(call, how, this.nowMs)
  }
}

describe('whatever comes, a supervisor', () => {
  it('counts what is owed, and bounds it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const play = new Play()
        for (const one of steps) {
          play.do(one)
          const { inFlight, limit, deadlineMs } = play.supervisor.stats(play.nowMs)
          expect(inFlight).toBe(play.owed.reduce((sum, { reads }) => sum + reads, 0))
          expect(limit).toBeGreaterThanOrEqual(0)
          expect(limit).toBeLessThanOrEqual(play.supervisor.state === 'connecting' ? maxInFlight : Math.max(maxInFlight, circuit.probes))
          expect(deadlineMs).toBeGreaterThanOrEqual(defaultSupervision.deadline.minMs)
          expect(deadlineMs).toBeLessThanOrEqual(defaultSupervision.deadline.maxMs)
          if (play.supervisor.isOpen) expect(play.supervisor.room()).toBeLessThanOrEqual(0)
        }
      }),
    )
  })

  it('is healthy, and asked for all there is, some time after the last thing that went wrong', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const play = new Play()
        for (const one of steps) play.do(one)
        play.recover()
        expect(play.supervisor.stats(play.nowMs)).toMatchObject({ state: 'healthy', limit: maxInFlight, inFlight: 0 })
      }),
    )
  })

  it('does not open by fewer failures than prove something', () => {
    const fewer = fc.array(
      step.filter(({ what }) => what !== 'miss'),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(fewer, (steps) => {
        const play = new Play()
        let keys = 0
        for (const one of steps) {
          if (one.what === 'late' || one.what === 'refuse')
            keys += Math.max(1, play.owed[0]?.reads ?? 0, play.owed.find(({ over }) => !over)?.reads ?? 0)
          if (one.what === 'down') keys += 1
          if (keys >= circuit.share * circuit.minimum) break
          play.do(one)
        }
        expect(play.states).not.toContain('open')
      }),
    )
  })

  it('opens by so many checks in a row, and by no fewer', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (checks) => {
        const play = new Play()
        play.do({ what: 'up', afterMs: 0, reads: 1 })
        let missed = 0
        for (const ok of checks) {
          play.do({ what: ok ? 'check' : 'miss', afterMs: 30, reads: 1 })
          missed = ok ? 0 : missed + 1
          expect(play.supervisor.isOpen).toBe(missed === health.failures)
          if (missed === health.failures) return
        }
      }),
    )
  })
})
