import { describe, expect, it } from 'vitest'
import { type StateChange, Supervisor } from './supervisor.js'
import { defaultSupervision, type SupervisorPlan } from './supervisor-plan.js'

const { circuit, health } = defaultSupervision

/** One server, its calls, and what was told of it. Time is a number that the tests move. */
function scene(plan: SupervisorPlan = defaultSupervision) {
  const told: string[] = []
  const onChange = ({ before, state }: StateChange) => told.push(`${before} → ${state}`)
  const supervisor = new Supervisor({ node: 'a:1', plan, random: { unit: () => 0, id: () => '' }, onChange, nowMs: 0 })
  let nowMs = 0
  const call = (reads = 1) => {
    supervisor.begin(reads)
    return { dueMs: nowMs + 150, patienceMs: 150, reads, over: false }
  }
  return {
    supervisor,
    told,
    pass: (ms: number) => {
      nowMs += ms
    },
    get nowMs() {
      return nowMs
    },
    call,
    up: () => supervisor.linkUp(nowMs),
    down: (owed = false) => supervisor.linkDown(nowMs, 'gone', owed),
    end: (one: ReturnType<typeof call>, how: 'answered' | 'refused' | 'lost' = 'answered') => supervisor.ended(one, how, nowMs),
    late: (one: ReturnType<typeof call>) => {
      supervisor.late(one, nowMs)
      one.over = true
    },
    /** A read that is answered after so long. */
    read: (tookMs: number) => {
      const one = call()
      nowMs += tookMs
      supervisor.ended(one, 'answered', nowMs)
    },
    check: (ok: boolean, tookMs = 1) => {
      const sentMs = nowMs
      nowMs += tookMs
      supervisor.checked(nowMs, { ok, sentMs })
    },
    /** So many calls a second are late, for so long. */
    fail: (perSecond: number, forMs: number) => {
      for (let i = 0; i < (perSecond * forMs) / 1_000; i++) {
        const one = call()
        nowMs += 1_000 / perSecond
        supervisor.late(one, nowMs)
        one.over = true
        supervisor.ended(one, 'answered', nowMs)
      }
    },
  }
}

describe('a supervisor', () => {
  it('is healthy with the link', () => {
    const { up, told, supervisor } = scene()
    up()
    expect(told).toEqual(['connecting → healthy'])
    expect(supervisor.stats(1_000)).toMatchObject({ node: 'a:1', state: 'healthy', forMs: 1_000, why: 'connected', limit: 10_000 })
  })

  it('is not opened by one error, nor by fewer than prove something', () => {
    const { up, fail, told, supervisor } = scene()
    up()
    fail(2, 9_000)
    expect(supervisor.state).toBe('healthy')
    expect(told).toHaveLength(1)
  })

  it('is opened where half of enough answers fail, however good the time before was', () => {
    const { up, fail, read, supervisor } = scene()
    up()
    for (let i = 0; i < 5_000; i++) read(1)
    fail(100, 1_000)
    expect(supervisor.state).toBe('open')
    expect(supervisor.room()).toBeLessThanOrEqual(0)
  })

  it('is not opened by a moment in which much fails', () => {
    const scenery = scene()
    const { up, read, late, end, supervisor, pass, call } = scenery
    up()
    for (let i = 0; i < 600; i++) read(1)
    const calls = Array.from({ length: 200 }, () => call())
    pass(60)
    for (const one of calls) late(one)
    for (const one of calls) end(one)
    expect(supervisor.state).not.toBe('open')
  })

  it('counts a lost link once, however many calls it owed', () => {
    const { up, down, call, end, supervisor, read } = scene()
    up()
    for (let i = 0; i < 10; i++) {
      const calls = Array.from({ length: 32 }, () => call())
      for (const one of calls) end(one, 'lost')
      down(true)
      up()
      for (let n = 0; n < 10; n++) read(1)
    }
    expect(supervisor.state).not.toBe('open')
    expect(supervisor.stats(0).inFlight).toBe(0)
  })

  it('takes a refusal to serve anybody for a failure', () => {
    const { up, call, end, supervisor, pass } = scene()
    up()
    for (let i = 0; i < 100; i++) {
      const one = call()
      pass(10)
      end(one, 'refused')
    }
    expect(supervisor.state).toBe('open')
  })
})

describe('an open circuit', () => {
  function opened() {
    const made = scene()
    made.up()
    while (made.supervisor.state !== 'open') made.fail(100, 10)
    return made
  }

  it('ends with a check that is answered, not before its time', () => {
    const { supervisor, check, pass } = opened()
    check(true)
    pass(circuit.openMs)
    check(false)
    expect(supervisor.state).toBe('open')
    check(true)
    expect(supervisor.state).toBe('probing')
    expect(supervisor.room()).toBe(circuit.probes)
  })

  it('is closed by good answers to those who try', () => {
    const { supervisor, check, pass, read, told } = opened()
    pass(circuit.openMs)
    check(true)
    for (let i = 0; i < circuit.probes; i++) read(1)
    expect(supervisor.state).toBe('degraded')
    expect(told.at(-1)).toBe('probing → degraded')
    pass(circuit.windowMs)
    supervisor.checkIsDue(1e6)
    expect(supervisor.stats(1e6)).toMatchObject({ state: 'healthy', limit: 10_000 })
  })

  it('is closed by checks where nobody reads', () => {
    const { supervisor, check, pass } = opened()
    pass(circuit.openMs)
    for (let i = 0; i <= circuit.probes; i++) check(true)
    expect(supervisor.state).toBe('degraded')
  })

  it('opens again with one failure of a try, for longer each time', () => {
    const { supervisor, check, pass, fail } = opened()
    for (let spanMs = circuit.openMs; spanMs <= 2 * circuit.longestOpenMs; spanMs *= 2) {
      pass(Math.min(spanMs, circuit.longestOpenMs) - 2)
      check(true)
      expect(supervisor.state).toBe('open')
      check(true)
      expect(supervisor.state).toBe('probing')
      fail(100, 10)
      expect(supervisor.state).toBe('open')
    }
  })

  it('is not opened again by what was sent before the try', () => {
    const { supervisor, check, pass, call, late } = opened()
    const old = call()
    pass(circuit.openMs)
    check(true)
    late(old)
    expect(supervisor.state).toBe('probing')
  })

  it('is tried at once on a new connection', () => {
    const { supervisor, down, up } = opened()
    down()
    expect(supervisor.state).toBe('connecting')
    up()
    expect(supervisor.state).toBe('probing')
  })
})

describe('health checks', () => {
  it('open the circuit of a server that nobody asks', () => {
    const { up, check, supervisor } = scene()
    up()
    for (let i = 1; i < health.failures; i++) check(false)
    expect(supervisor.state).toBe('degraded')
    check(false)
    expect(supervisor.state).toBe('open')
  })

  it('are due more often while something is wrong, and not without a link', () => {
    const { up, check, supervisor } = scene()
    const dues = (fromMs: number, untilMs: number) => {
      let count = 0
      for (let ms = fromMs; ms < untilMs; ms += 50) if (supervisor.checkIsDue(ms)) count += 1
      return count
    }
    expect(dues(0, 20_000)).toBe(0)
    up()
    expect(dues(20_000, 40_000)).toBe(2)
    check(false)
    expect(dues(50_000, 55_000)).toBe(5)
    check(false)
    check(false)
    expect(dues(60_000, 65_000)).toBe(20)
  })
})

describe('the limit', () => {
  it('falls where answers are slow, and what is late counts until it is answered', () => {
    const { up, supervisor, call, late, end, pass } = scene()
    up()
    const owed = []
    for (let round = 0; round < 8; round++) {
      const calls = Array.from({ length: Math.min(32, Math.max(0, supervisor.room())) }, () => call())
      pass(150)
      for (const one of calls) late(one)
      owed.push(...calls)
    }
    expect(supervisor.stats(0).limit).toBeLessThanOrEqual(64)
    expect(supervisor.room()).toBeLessThanOrEqual(0)
    expect(supervisor.stats(0).inFlight).toBe(owed.length)
    for (const one of owed) end(one)
    expect(supervisor.stats(0).inFlight).toBe(0)
  })

  it('turns away with an error that says so', () => {
    const { up, supervisor } = scene({ ...defaultSupervision, maxInFlight: 1 })
    up()
    supervisor.begin(1)
    expect(supervisor.room()).toBe(0)
    expect(supervisor.shed(3, 0)).toMatchObject({ code: 'E_REDIS_SHED' })
    expect(supervisor.stats(0)).toMatchObject({ shed: 3, state: 'degraded' })
  })
})
