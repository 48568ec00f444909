import { describe, expect, it } from 'vitest'
import { SuspensionWatch } from './suspension.js'

function watched() {
  const time = { now: 0, wall: 1_000_000 }
  const seen: number[] = []
  const clock = { now: () => time.now, wall: () => time.wall, after: () => ({ cancel() {} }), afterInput() {} }
  const watch = new SuspensionWatch(
    clock,
    () => 1_000,
    (ms) => seen.push(ms),
  )
  const pass = (ms: number, wallMs = ms) => {
    time.now += ms
    time.wall += wallMs
    watch.now()
  }
  return { seen, pass }
}

describe('a suspension', () => {
  it('shows where the wall clock has gone on without the monotonic one', () => {
    const { seen, pass } = watched()
    pass(10)
    pass(2, 5_002)
    expect(seen).toEqual([5_000])
    pass(10)
    expect(seen).toHaveLength(1)
  })

  it('is not seen in a stall, in which both go on', () => {
    const { seen, pass } = watched()
    pass(60_000)
    expect(seen).toEqual([])
  })

  it('is suspected where the wall clock was set, either way', () => {
    const { seen, pass } = watched()
    pass(10, -7_000)
    pass(10, 8_000)
    expect(seen).toEqual([7_010, 7_990])
  })

  it('is not seen in small corrections of the wall clock', () => {
    const { seen, pass } = watched()
    for (let i = 0; i < 100; i++) pass(1_000, 1_500)
    expect(seen).toEqual([])
  })
})
