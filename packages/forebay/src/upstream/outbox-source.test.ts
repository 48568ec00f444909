import { describe, expect, it } from 'vitest'
import { SimClock } from '../testing/sim-clock.js'
import type { Change } from './change.js'
import { type OutboxOptions, outboxSource } from './outbox-source.js'

interface Row extends Change {
  readonly id: number
}

/** An outbox in an array, and a follower that does as it is told. */
class Table {
  readonly clock = new SimClock()
  readonly rows: Row[] = []
  readonly delivered: number[] = []
  readonly trouble: unknown[] = []
  readonly refused = new Set<number>()
  reads = 0
  readBroken: unknown
  doneBroken: unknown
  /** Holds deliveries up while set. */
  gate: Promise<void> | undefined

  open(given: Partial<OutboxOptions<Row>> = {}) {
    const source = outboxSource<Row>({
      read: async (limit) => {
        this.reads++
        if (this.readBroken !== undefined) throw this.readBroken
        return this.rows.slice(0, limit)
      },
      done: async (changes) => {
        if (this.doneBroken !== undefined) throw this.doneBroken
        for (const change of changes) this.rows.splice(this.rows.indexOf(change), 1)
      },
      poll: '1s',
      clock: this.clock,
      ...given,
    })
    const stop = source.start({
      deliver: async ({ id }) => {
        await this.gate
        if (this.refused.has(id)) throw new Error(`refused ${id}`)
        this.delivered.push(id)
      },
      failed: (error) => void this.trouble.push(error),
    })
    return { source, stop }
  }

  add(...ids: number[]): void {
    this.rows.push(...ids.map((id) => ({ id })))
  }
}

describe('an outbox', () => {
  it('is read at the start and at each poll, and what was acknowledged is removed', async () => {
    const table = new Table()
    table.add(1, 2)
    table.open()
    await table.clock.run(0)
    expect(table.delivered).toEqual([1, 2])
    expect(table.rows).toEqual([])
    table.add(3)
    await table.clock.run(900)
    expect(table.delivered).toEqual([1, 2])
    await table.clock.run(200)
    expect(table.delivered).toEqual([1, 2, 3])
    await table.clock.run(10_000)
    expect(table.reads).toBe(12)
  })

  it('is read at once when poked, also when that comes during a round', async () => {
    const table = new Table()
    const { source } = table.open({ poll: '1h' })
    await table.clock.run(10)
    table.add(1)
    source.poke()
    await table.clock.run(0)
    expect(table.delivered).toEqual([1])
    let open = (): void => {}
    table.gate = new Promise((resolve) => {
      open = resolve
    })
    table.add(2)
    source.poke()
    await table.clock.run(10)
    table.add(3) // not seen by the read that has been made
    source.poke()
    open()
    await table.clock.run(0)
    expect(table.delivered).toEqual([1, 2, 3])
  })

  it('is read on without a pause while batches are full', async () => {
    const table = new Table()
    table.add(...Array.from({ length: 25 }, (_, i) => i))
    table.open({ batch: 10, poll: '1h' })
    await table.clock.run(0)
    expect(table.delivered).toHaveLength(25)
    expect(table.reads).toBe(3)
  })

  it('keeps what was not acknowledged, and says so', async () => {
    const table = new Table()
    table.add(1, 2, 3)
    table.refused.add(2)
    table.open()
    await table.clock.run(0)
    expect(table.rows).toEqual([{ id: 2 }])
    expect(table.trouble).toMatchObject([{ message: 'refused 2' }])
    table.refused.clear()
    await table.clock.run(1_000)
    expect(table.delivered).toEqual([1, 3, 2])
  })

  it('delivers again what could not be removed', async () => {
    const table = new Table()
    table.add(1)
    table.doneBroken = new Error('the connection is gone')
    table.open()
    await table.clock.run(0)
    table.doneBroken = undefined
    await table.clock.run(1_000)
    expect(table.delivered).toEqual([1, 1])
    expect(table.rows).toEqual([])
    expect(table.trouble).toHaveLength(1)
  })

  it('in trouble is looked at less and less often, whoever pokes, and as before when it is well', async () => {
    const table = new Table()
    table.readBroken = new Error('the database is away')
    const { source } = table.open()
    for (let i = 0; i < 100; i++) {
      await table.clock.run(1_000)
      source.poke()
    }
    expect(table.reads).toBeGreaterThan(5)
    expect(table.reads).toBeLessThan(9)
    expect(table.trouble).toHaveLength(table.reads)
    table.readBroken = undefined
    table.add(1)
    await table.clock.run(30_000)
    expect(table.delivered).toEqual([1])
    const before = table.reads
    await table.clock.run(10_000)
    expect(table.reads - before).toBe(10)
  })

  it('stops when its round is over, removed rows included', async () => {
    const table = new Table()
    let open = (): void => {}
    table.gate = new Promise((resolve) => {
      open = resolve
    })
    table.add(1)
    const { stop } = table.open()
    await table.clock.run(0)
    let over = false
    const stopped = stop().then(() => {
      over = true
    })
    await table.clock.run(5_000)
    expect(over).toBe(false)
    open()
    await stopped
    expect(table.rows).toEqual([])
    await table.clock.run(5_000)
    expect(table.reads).toBe(1)
  })

  it('that rests stops at once', async () => {
    const table = new Table()
    const { stop } = table.open({ poll: '1h' })
    await table.clock.run(5)
    await stop()
    expect(table.reads).toBe(1)
  })

  it('feeds one follower', () => {
    const { source } = new Table().open()
    expect(() => source.start({ deliver: async () => {}, failed() {} })).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })

  it.each([{ poll: 'soon' }, { batch: 0 }])('refuses %j', (wrong) => {
    expect(() => new Table().open(wrong as Partial<OutboxOptions<Row>>)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})
