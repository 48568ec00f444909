import { until } from '../../../../scripts/until.mjs'
import { createForebay, type ForebayOptions } from '../../src/create-forebay.js'
import type { Forebay } from '../../src/engine/public.js'

/** A service under load while its Redis is in trouble: what its callers got, and what it told. */
export interface Service {
  /** Its name. */
  readonly name: string
  readonly forebay: Forebay
  /** The texts of all warnings. */
  readonly told: readonly string[]
  /** What callers were thrown. */
  readonly thrown: readonly unknown[]
  /** Resolves when callers are served by Redis again, nothing waits to be sent, and nothing is wrong with any link. */
  back(): Promise<void>
  stop(): Promise<void>
}

const callers = 8
const keys = 20
let services = 0

/** Callers that read and invalidate without a pause, each once per turn of the event loop at most. No memory: each call depends on Redis. */
export function startService(redis: Exclude<ForebayOptions['redis'], undefined | false>): Service {
  services += 1
  const name = `service${services}`
  const forebay = createForebay({ service: name, redis, defaults: { ttl: '1h', memory: false } })
  const told: string[] = []
  const thrown: unknown[] = []
  forebay.on('warning', ({ text }) => told.push(text))
  const books = forebay.cache<string>('books')
  let on = true
  const call = async (caller: number): Promise<void> => {
    for (let i = caller; on; i += 1) {
      const key = `b${i % keys}`
      try {
        const value = await books.getOrSet(key, async () => key)
        if (value !== key) thrown.push(`${key} was ${value}`)
        if (i % 10 === 0) await books.invalidate(key)
      } catch (error) {
        thrown.push(error)
      }
      await new Promise((next) => setTimeout(next, 1))
    }
  }
  const work = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  return {
    name,
    forebay,
    told,
    thrown,
    back: () =>
      until('Redis serves again', async () => {
        await books.getOrSet('mine', () => 'mine')
        const { tier } = await books.fetch('mine', () => 'nothing')
        const { outbox, linkErrors } = forebay.stats()
        return tier === 'redis' && outbox === 0 && linkErrors.length === 0
      }).then(() => {}),
    async stop() {
      on = false
      await work
      await forebay.close({ timeout: '50ms' })
    },
  }
}
