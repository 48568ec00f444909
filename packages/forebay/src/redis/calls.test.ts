import { describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.js'
import { Supervisor } from '../core/supervisor/supervisor.js'
import { defaultSupervision } from '../core/supervisor/supervisor-plan.js'
import { ForebayError } from '../core/errors.js'
import { SimClock } from '../testing/sim-clock.js'
import { SimProcess } from '../testing/sim-process.js'
import { type Call, Calls } from './calls.js'

/** Calls on a simulated clock, and what became of each. */
function scene(clock: Clock) {
  const log: string[] = []
  const calls = new Calls(clock, { afterMs: 400, onSilent: () => log.push(`silent@${clock.now()}`) })
  const begin = (name: string, patienceMs: number): Call =>
    calls.begin(patienceMs, { resolve: () => {}, reject: (error) => log.push(`${name} ${error.code}@${clock.now()}`) })
  return { calls, begin, log }
}

describe('calls', () => {
  it('are late at their own deadline, whatever was sent before', async () => {
    const clock = new SimClock()
    const { begin, log, calls } = scene(clock)
    begin('script', 300)
    await clock.run(10)
    begin('read', 150)
    begin('read2', 150)
    await clock.run(390)
    expect(log).toEqual(['read E_REDIS_DEADLINE@160', 'read2 E_REDIS_DEADLINE@160', 'script E_REDIS_DEADLINE@300', 'silent@400'])
    expect(calls.owed).toBe(3)
  })

  it('that were answered are over, and an answer after the deadline counts for nobody', async () => {
    const clock = new SimClock()
    const { begin, calls, log } = scene(clock)
    const first = begin('first', 150)
    const second = begin('second', 150)
    await clock.run(100)
    expect(calls.end(first)).toBe(true)
    await clock.run(100)
    expect(calls.end(second)).toBe(false)
    await clock.run(1_000)
    expect(log).toEqual(['second E_REDIS_DEADLINE@150'])
    expect(calls.owed).toBe(0)
  })

  it('show a dead link: something is owed and nothing has come for long enough', async () => {
    const clock = new SimClock()
    const { begin, calls, log } = scene(clock)
    const answered = begin('answered', 5_000)
    begin('owed', 5_000)
    await clock.run(300)
    calls.end(answered)
    await clock.run(399)
    expect(log).toEqual([])
    await clock.run(1)
    expect(log).toEqual(['silent@700'])
  })

  it('say nothing about an idle link', async () => {
    const clock = new SimClock()
    const { begin, calls, log } = scene(clock)
    await clock.run(10_000)
    calls.end(begin('short', 150))
    await clock.run(10_000)
    expect(log).toEqual([])
  })

  it('whose answers waited while the event loop stood still are not late', async () => {
    const clock = new SimClock()
    const { begin, calls, log } = scene({
      ...{ now: () => clock.now(), wall: () => clock.wall() },
      after: (delayMs, task) => clock.after(delayMs + 500, task), // timers fire when the stall is over …
      afterInput: (task) => {
        calls.end(call) // … and only then the answer is read
        clock.afterInput(task)
      },
    })
    const call = begin('stalled', 150)
    await clock.run(2_000)
    expect(log).toEqual([])
  })

  it('that became late while what had come in was read are not: their answers may have come in since', async () => {
    const clock = new SimClock()
    let stallMs = 0
    const parts = scene({
      ...{ now: () => clock.now() + stallMs, wall: () => clock.wall(), after: (delayMs, task) => clock.after(delayMs, task) },
      afterInput: (task) => {
        if (stallMs === 0) {
          call = parts.begin('begun meanwhile', 150)
          stallMs = 500 // whoever was answered does something long before it is judged who is late
        } else if (call !== undefined) {
          parts.calls.end(call)
          call = undefined
        }
        clock.afterInput(task)
      },
    })
    let call: Call | undefined = parts.begin('first', 150)
    await clock.run(200)
    expect(parts.log).toEqual(['first E_REDIS_DEADLINE@650'])
    expect(parts.calls.owed).toBe(1)
  })

  it('that are abandoned are told once, and owed until they are answered', async () => {
    const clock = new SimClock()
    const { begin, calls, log } = scene(clock)
    const [answered, first, second] = [begin('answered', 300), begin('first', 150), begin('second', 300)]
    calls.end(answered)
    calls.abandon(new ForebayError('E_REDIS_AWAY', 'closed'))
    calls.abandon(new ForebayError('E_REDIS_AWAY', 'closed'))
    expect(log.toSorted()).toEqual(['first E_REDIS_AWAY@0', 'second E_REDIS_AWAY@0'])
    expect([calls.owed, calls.end(first), calls.end(second), calls.owed]).toEqual([2, false, false, 0])
    await clock.run(1_000)
    expect(log).toHaveLength(2)
  })

  it('by the thousand leave nothing behind', async () => {
    const clock = new SimClock()
    const { begin, calls, log } = scene(clock)
    const open: Call[] = []
    for (let i = 0; i < 5_000; i++) {
      open.push(begin(`${i}`, 150))
      if (open.length > 100) calls.end(open.shift() as Call)
      if (i % 50 === 0) await clock.run(1)
    }
    for (const call of open) calls.end(call)
    await clock.run(1_000)
    expect(log).toEqual([])
    expect(calls.owed).toBe(0)
  })
})

describe('calls by which a server is judged', () => {
  function judged() {
    const world = new SimClock()
    const process = new SimProcess(world)
    const random = { unit: () => 0, id: () => '' }
    const supervisor = new Supervisor({ node: 'a:1', plan: defaultSupervision, random, onChange: () => {}, nowMs: process.now() })
    const calls = new Calls(process, { afterMs: 400, onSilent: () => {}, supervisor })
    const begin = () => calls.begin(supervisor.deadlineMs, { resolve: () => {}, reject: () => {} }, 1)
    supervisor.linkUp(process.now())
    return { world, process, supervisor, calls, begin }
  }

  it('are owed until they are answered, whether they are late or not', async () => {
    const { world, supervisor, calls, begin } = judged()
    const call = begin()
    await world.run(200)
    expect(supervisor.stats(200)).toMatchObject({ late: 1, inFlight: 1 })
    expect(calls.end(call)).toBe(false)
    expect(supervisor.stats(200)).toMatchObject({ late: 1, inFlight: 0 })
  })

  it('are nobody’s fault where this process itself stood still', async () => {
    const { world, process, supervisor, calls, begin } = judged()
    for (let round = 0; round < 20; round++) {
      const sent = Array.from({ length: 32 }, begin)
      await world.run(5)
      process.stall(500)
      process.input(() => {
        for (const call of sent) calls.end(call)
      })
      await world.run(600)
    }
    expect(supervisor.stats(process.now())).toMatchObject({ state: 'healthy', late: 0, inFlight: 0, limit: 10_000 })
  })
})
