import { setTimeout as pause } from 'node:timers/promises'
import type { RedisServer } from '../server.js'
import type { Fault } from './faults.js'

/** Keys that move at a time: few, so that traffic meets slots that are half here and half there. */
const batch = 5
const restMs = 2

/** In traffic, slots that hold shards of the service move. */
export function movingSlots(plan: { forMs: number; shards: number; moved: (slots: number) => void }): Fault {
  const someKey = () => `{race.${Math.floor(Math.random() * plan.shards)}}`
  return async ({ servers }) => plan.moved(await moveSlots(servers, { forMs: plan.forMs, someKey }))
}

/**
 * One after the other, slots move to another primary, their keys a few at a time, for as long as told: those of keys chosen by chance.
 * Resolves with how many have moved.
 */
export async function moveSlots(servers: readonly RedisServer[], plan: { forMs: number; someKey: () => string }): Promise<number> {
  const endMs = performance.now() + plan.forMs
  let moved = 0
  while (performance.now() < endMs) {
    const slot = Number(await servers[0]?.command('CLUSTER', 'KEYSLOT', plan.someKey()))
    if (await move(servers, slot)) moved++
  }
  return moved
}

async function move(servers: readonly RedisServer[], slot: number): Promise<boolean> {
  const counts = await Promise.all(servers.map((node) => node.command('CLUSTER', 'COUNTKEYSINSLOT', slot)))
  const from = servers[counts.findIndex((count) => Number(count) > 0)]
  const others = servers.filter((node) => node !== from)
  const to = others[Math.floor(Math.random() * others.length)]
  if (from === undefined || to === undefined) return false
  const [source, target] = await Promise.all([from.command('CLUSTER', 'MYID'), to.command('CLUSTER', 'MYID')])
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', `${source}`)
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', `${target}`)
  for (;;) {
    const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, batch)) as string[]
    if (keys.length === 0) break
    await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys)
    await pause(restMs)
  }
  // The new owner first: else nobody would own the slot for a moment.
  for (const node of [to, from, ...others.filter((one) => one !== to)]) {
    await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', `${target}`)
  }
  return true
}
