import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Lane, Lanes, type Ticket } from './lanes.js'

/** Loads that enter, wait or are turned away; what became of each is written down. */
class Crowd {
  readonly lanes: Lanes
  readonly told: string[] = []
  readonly tickets = new Map<string, Ticket>()

  constructor(max: number, queue: number) {
    this.lanes = new Lanes({ max, queue })
  }

  come(name: string, lane: Lane): void {
    if (this.lanes.enter()) return void this.told.push(`${name} runs`)
    const end = (what: string) => () => {
      this.tickets.delete(name)
      this.told.push(`${name} ${what}`)
    }
    const ticket = this.lanes.queue(lane, { admit: end('runs'), shed: (_, why) => end(why)() })
    if (ticket !== undefined) this.tickets.set(name, ticket)
  }

  ticket(name: string): Ticket {
    const ticket = this.tickets.get(name)
    if (ticket === undefined) throw new RangeError(`${name} does not wait`)
    return ticket
  }
}

describe('the lanes before the loads', () => {
  it('let in as many as may run, and then callers first, refreshes next, warm-ups last', () => {
    const crowd = new Crowd(1, 10)
    crowd.come('one', 'callers')
    crowd.come('warm', 'warm-ups')
    crowd.come('refresh', 'refreshes')
    crowd.come('two', 'callers')
    crowd.come('three', 'callers')
    expect(crowd.lanes.report()).toEqual({ running: 1, queued: { callers: 2, refreshes: 1, warmUps: 1 }, shed: 0 })
    for (let i = 0; i < 5; i++) crowd.lanes.leave()
    expect(crowd.told).toEqual(['one runs', 'two runs', 'three runs', 'refresh runs', 'warm runs'])
    expect(crowd.lanes.report()).toEqual({ running: 0, queued: { callers: 0, refreshes: 0, warmUps: 0 }, shed: 0 })
  })

  it('turn away whoever comes to a full queue, but rather one who stands behind him', () => {
    const crowd = new Crowd(1, 2)
    crowd.come('one', 'callers')
    crowd.come('refresh', 'refreshes')
    crowd.come('warm', 'warm-ups')
    crowd.come('warm too', 'warm-ups')
    crowd.come('two', 'callers')
    crowd.come('three', 'callers')
    crowd.come('four', 'callers')
    expect(crowd.told).toEqual(['one runs', 'warm too full', 'warm full', 'refresh full', 'four full'])
    expect(crowd.lanes.report().shed).toBe(4)
  })

  it('let one whom a caller has joined go on among the callers', () => {
    const crowd = new Crowd(1, 10)
    crowd.come('one', 'callers')
    crowd.come('refresh', 'refreshes')
    crowd.come('joined', 'warm-ups')
    const joined = crowd.ticket('joined')
    crowd.lanes.hurry(joined)
    crowd.lanes.leave()
    expect(crowd.told).toEqual(['one runs', 'joined runs'])
    crowd.lanes.hurry(joined)
    crowd.lanes.leave()
    expect(crowd.told.at(-1)).toBe('refresh runs')
  })

  it('forget one who gives up, wherever he stands', () => {
    const crowd = new Crowd(1, 10)
    for (const name of ['one', 'two', 'three', 'four', 'five']) crowd.come(name, 'callers')
    const [two, three, five] = ['two', 'three', 'five'].map((name) => crowd.ticket(name))
    if (two === undefined || three === undefined || five === undefined) throw new RangeError('they wait')
    crowd.lanes.cancel(three)
    crowd.lanes.cancel(three)
    crowd.lanes.giveUp(two)
    crowd.lanes.giveUp(two)
    crowd.lanes.cancel(five)
    expect(crowd.lanes.report()).toEqual({ running: 1, queued: { callers: 1, refreshes: 0, warmUps: 0 }, shed: 1 })
    crowd.lanes.leave()
    expect(crowd.told).toEqual(['one runs', 'two late', 'four runs'])
  })

  it('keep their bounds and their order whatever happens, and forget nobody', () => {
    const lane = fc.constantFrom<Lane>('callers', 'refreshes', 'warm-ups')
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('come' as const), lane }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const) }) },
      fc.record({ do: fc.constantFrom('cancel' as const, 'giveUp' as const, 'hurry' as const), which: fc.nat(40) }),
    )
    const rank: Record<Lane, number> = { callers: 0, refreshes: 1, 'warm-ups': 2 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(6), fc.array(step, { maxLength: 120 }), (max, queue, steps) => {
        const lanes = new Lanes({ max, queue })
        const waiting = new Map<Ticket, Lane>()
        let running = 0
        let shed = 0
        let settled = 0
        let came = 0
        const come = (lane: Lane): void => {
          came++
          if (lanes.enter()) return void running++
          let ticket: Ticket | undefined
          const foremost = (): number => Math.min(...[...waiting.values()].map((one) => rank[one]))
          const admit = (): void => {
            expect(rank[ticket?.lane ?? lane]).toBe(foremost())
            if (ticket !== undefined) waiting.delete(ticket)
            running++
          }
          const turnAway = (): void => {
            shed++
            settled++
            if (ticket !== undefined) waiting.delete(ticket)
          }
          ticket = lanes.queue(lane, { admit, shed: turnAway })
          if (ticket !== undefined) waiting.set(ticket, lane)
        }
        const leave = (): void => {
          settled++
          running--
          lanes.leave()
        }
        for (const one of steps) {
          const ticket = 'which' in one ? [...waiting.keys()][one.which] : undefined
          if (one.do === 'come') come(one.lane)
          else if (one.do === 'leave' && running > 0) leave()
          else if (ticket !== undefined && one.do === 'giveUp') lanes.giveUp(ticket)
          else if (ticket !== undefined && one.do === 'cancel') {
            lanes.cancel(ticket)
            waiting.delete(ticket)
            settled++
          } else if (ticket !== undefined && one.do === 'hurry') {
            lanes.hurry(ticket)
            waiting.set(ticket, 'callers')
          }
          const report = lanes.report()
          const queued = report.queued.callers + report.queued.refreshes + report.queued.warmUps
          expect([report.running, queued, report.shed]).toEqual([running, waiting.size, shed])
          expect(running).toBeLessThanOrEqual(max)
          expect(queued).toBeLessThanOrEqual(queue)
          if (queued > 0) expect(running).toBe(max)
        }
        while (running > 0) leave()
        expect([settled, lanes.report().running, waiting.size]).toEqual([came, 0, 0])
      }),
      { numRuns: 500 },
    )
  })
})
