import type { Tell } from '../core/events.js'

/** Stands for a key that could not be made unreadable. */
const hidden = '?'

/**
 * Tells events with their keys made unreadable. Events are told in the midst of reads and writes, so a function that fails is contained as
 * a listener is; and a key that it has not dealt with is not shown.
 */
export function redacting(tell: Tell, redactKey: (key: string, cache: string) => unknown): Tell {
  const shown = (key: string, cache: string): string => {
    try {
      const redacted = redactKey(key, cache)
      return typeof redacted === 'string' ? redacted : hidden
    } catch (error) {
      tell({ type: 'listener-error', error })
      return hidden
    }
  }
  return (event) => tell('key' in event ? { ...event, key: shown(event.key, event.cache) } : event)
}
