import { describe, expect, it } from 'vitest'
import { runSeed } from './run.js'

describe('a world', () => {
  it.each([3, 45, 190])('happens again in every detail: seed %i', async (seed) => {
    const [first, again] = [await runSeed(seed, { trace: true }), await runSeed(seed, { trace: true })]
    expect(first.trace.length).toBeGreaterThan(100)
    expect(again.hash).toBe(first.hash)
  })

  it('is the same one whether its trace is kept or not', async () => {
    const [kept, counted] = [await runSeed(45, { trace: true }), await runSeed(45)]
    expect(counted.trace).toEqual([])
    expect(counted.events).toBe(kept.trace.length)
    expect(counted.counts).toEqual(kept.counts)
  })

  it('is another one with another seed or topology', async () => {
    const run = async (seed: number, topology: string) => (await runSeed(seed, { topology, trace: true })).hash
    const hashes = [await run(5, 'single'), await run(5, 'cluster'), await run(6, 'single')]
    expect(new Set(hashes).size).toBe(3)
  })
})
