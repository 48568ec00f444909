import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks `check` again and again until it answers with something truthy, which it resolves with; a check that throws counts as "not yet".
 * @template T
 * @param {string} what named in the error when the deadline passes
 * @param {() => T | Promise<T>} check
 * @param {{ withinMs?: number, everyMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function until(what, check, { withinMs = 20_000, everyMs = 10 } = {}) {
  const deadlineMs = Date.now() + withinMs
  /** @type {unknown} */
  let last
  while (Date.now() < deadlineMs) {
    try {
      const answer = await check()
      if (answer) return answer
    } catch (error) {
      last = error
    }
    await pause(everyMs)
  }
  throw new Error(`${what}: not within ${withinMs} ms`, { cause: last })
}
