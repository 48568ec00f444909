import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { ChaosPipe, clearWay, type Way } from './chaos-pipe.js'
import { SimClock } from './sim-clock.js'
import { SimRandom } from './sim-random.js'

/** One direction between two ends in this process, on a simulated clock. */
function pipe(given: Partial<Way>) {
  const clock = new SimClock()
  const end = () => Object.assign(new PassThrough(), { setNoDelay: () => {} })
  const [from, to] = [end(), end()]
  let heard = ''
  to.on('data', (bytes) => {
    heard += String(bytes)
  })
  const sockets = { from: from as unknown as Socket, to: to as unknown as Socket }
  new ChaosPipe({ ...sockets, way: { ...clearWay(), ...given }, clock, random: new SimRandom('pipe'), reset: () => {} })
  const send = async (text: string): Promise<void> => {
    from.write(text)
    await new Promise(setImmediate)
  }
  return { clock, send, heard: () => heard }
}

describe('a direction', () => {
  test('that is late brings everything after its latency, before its jitter is over, and in order', async () => {
    const { clock, send, heard } = pipe({ latencyMs: 30, jitterMs: 20 })
    for (const letter of 'abcd') await send(letter)
    await clock.run(29)
    expect(heard()).toBe('')
    await clock.run(22)
    expect(heard()).toBe('abcd')
  })

  test('that is narrow brings so many bytes in so much time', async () => {
    const { clock, send, heard } = pipe({ bytesPerSecond: 100_000 })
    await send('x'.repeat(10_000))
    await clock.run(49)
    expect(heard()).toHaveLength(5_000)
    await clock.run(51)
    expect(heard()).toHaveLength(10_000)
  })
})
