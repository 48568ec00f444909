import { describe, expect, it } from 'vitest'
import { forbidRealTime } from './forbid.js'
import { SimClock } from './sim-clock.js'
import { SimProcess } from './sim-process.js'
import { SimRandom } from './sim-random.js'

describe('simulated time', () => {
  it('runs tasks in order of time, and of scheduling where times are equal', async () => {
    const clock = new SimClock()
    const seen: string[] = []
    clock.after(5, () => seen.push('late'))
    clock.after(1, () => seen.push('first'))
    clock.after(1, () => seen.push('second'))
    clock.after(2, () => seen.push('called off')).cancel()
    await clock.run(10)
    expect(seen).toEqual(['first', 'second', 'late'])
    expect(clock.now()).toBe(10)
  })

  it('follows every promise to its end before time moves on', async () => {
    const clock = new SimClock()
    const seen: number[] = []
    const longChain = async () => {
      for (let i = 0; i < 50; i++) await Promise.resolve()
      seen.push(clock.now())
    }
    clock.after(1, () => void longChain())
    clock.after(2, () => seen.push(clock.now()))
    await clock.run(3)
    expect(seen).toEqual([1, 2])
  })

  it('lets a stalled process go on in the order of Node: timers, input, then what waits for input', async () => {
    const clock = new SimClock()
    const process = new SimProcess(clock)
    const seen: string[] = []
    process.after(10, () => {
      seen.push('timer')
      process.afterInput(() => seen.push('after input'))
    })
    process.stall(50)
    clock.after(5, () => process.input(() => seen.push('input')))
    await clock.run(49)
    expect(seen).toEqual([])
    await clock.run(1)
    expect(seen).toEqual(['timer', 'input', 'after input'])
  })

  it('lets the monotonic clock stand still while the machine sleeps, and the wall clock go on', async () => {
    const clock = new SimClock()
    const process = new SimProcess(clock, { offsetMs: 1_000, drift: 0 })
    const wall = process.wall()
    const fired: number[] = []
    process.after(30, () => fired.push(clock.now()))
    process.suspend(100)
    await clock.run(200)
    expect(fired).toEqual([128])
    expect(process.now()).toBeCloseTo(1_102)
    expect(process.wall() - wall).toBe(200)
  })

  it('runs nothing of a process that has died', async () => {
    const clock = new SimClock()
    const process = new SimProcess(clock)
    const seen: string[] = []
    process.after(1, () => seen.push('timer'))
    process.kill()
    process.input(() => seen.push('input'))
    await clock.run(5)
    expect(seen).toEqual([])
  })

  it('keeps a drifting clock and its timers in agreement', async () => {
    const clock = new SimClock()
    const process = new SimProcess(clock, { offsetMs: 0, drift: 0.1 })
    const seen: number[] = []
    process.after(110, () => seen.push(Math.round(process.now()), Math.round(clock.now())))
    await clock.run(200)
    expect(seen).toEqual([110, 100])
  })
})

describe('simulated chance', () => {
  it('repeats by seed, and forks by name alone', () => {
    const draw = (random: SimRandom) => Array.from({ length: 5 }, () => random.unit())
    const drawn = new SimRandom(7)
    drawn.unit()
    expect(draw(new SimRandom(7))).toEqual(draw(new SimRandom(7)))
    expect(draw(drawn.fork('a'))).toEqual(draw(new SimRandom(7).fork('a')))
    expect(draw(new SimRandom(7).fork('a'))).not.toEqual(draw(new SimRandom(7).fork('b')))
    expect(new SimRandom(7).id()).toMatch(/^[\w-]{8}$/)
  })

  it('is spread evenly', () => {
    const random = new SimRandom('even')
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 10_000; i++) {
      const drawn = random.below(10)
      counts[drawn] = (counts[drawn] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(800)
  })
})

describe('a world', () => {
  it('may not touch real time or real chance', () => {
    const allow = forbidRealTime()
    try {
      expect(() => Date.now()).toThrow('inside a simulated world')
      expect(() => Math.random()).toThrow('inside a simulated world')
      expect(() => setTimeout(() => {}, 1)).toThrow('inside a simulated world')
    } finally {
      allow()
    }
    expect(Date.now()).toBeGreaterThan(0)
  })
})
