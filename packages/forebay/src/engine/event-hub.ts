import type { EventOf, EventType, ForebayEvent } from '../core/events.js'

/** Hands each event to whoever listens. A listener that throws is contained; its error is an event of its own. */
export class EventHub {
  readonly #all = new Set<(event: ForebayEvent) => void>()
  readonly #byType = new Map<EventType, Set<(event: never) => void>>()

  readonly tell = (event: ForebayEvent): void => {
    for (const listener of this.#all) this.#call(listener, event)
    for (const listener of this.#byType.get(event.type) ?? []) this.#call(listener as (event: ForebayEvent) => void, event)
  }

  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void {
    const listeners = this.#byType.get(type) ?? new Set()
    this.#byType.set(type, listeners)
    // A wrapper of its own, so that the same function subscribed twice is called twice and ended separately.
    const own = (event: EventOf<T>): void => listener(event)
    listeners.add(own)
    return () => listeners.delete(own)
  }

  onAny(listener: (event: ForebayEvent) => void): () => void {
    const own = (event: ForebayEvent): void => listener(event)
    this.#all.add(own)
    return () => this.#all.delete(own)
  }

  #call(listener: (event: ForebayEvent) => void, event: ForebayEvent): void {
    try {
      listener(event)
    } catch (error) {
      if (event.type !== 'listener-error') this.tell({ type: 'listener-error', error })
    }
  }
}
