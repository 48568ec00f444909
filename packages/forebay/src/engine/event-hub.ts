import { show } from '../core/duration.js'
import { ForebayError } from '../core/errors.js'
import { type EventOf, type EventType, eventTypes, type ForebayEvent } from '../core/events.js'
import { givenFunction } from './given.js'

type Listener = (event: ForebayEvent) => void

/**
 * Hands each event to whoever listens. A listener that throws is contained; its error is an event of its own. The lists are replaced, not
 * changed, so that one who comes or goes while an event is told does not disturb it.
 */
export class EventHub {
  #all: readonly Listener[] = []
  readonly #byType = new Map<EventType, readonly Listener[]>()

  readonly tell = (event: ForebayEvent): void => {
    this.#callAll(this.#all, event)
    const listeners = this.#byType.get(event.type)
    if (listeners !== undefined) this.#callAll(listeners, event)
  }

  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void {
    if (!eventTypes.includes(type)) {
      throw new ForebayError('E_OPTION', `${show(type)} is no event; there are ${eventTypes.join(', ')}`) // who listens for it would never know
    }
    givenFunction('the listener', listener)
    // A wrapper of its own, so that the same function subscribed twice is called twice and ended separately.
    const own = (event: ForebayEvent): void => listener(event as EventOf<T>)
    this.#byType.set(type, [...(this.#byType.get(type) ?? []), own])
    return () => this.#byType.set(type, without(this.#byType.get(type) ?? [], own))
  }

  onAny(listener: (event: ForebayEvent) => void): () => void {
    givenFunction('the listener', listener)
    const own = (event: ForebayEvent): void => listener(event)
    this.#all = [...this.#all, own]
    return () => {
      this.#all = without(this.#all, own)
    }
  }

  #callAll(listeners: readonly Listener[], event: ForebayEvent): void {
    for (let i = 0; i < listeners.length; i++) this.#call(listeners[i] as Listener, event)
  }

  #call(listener: (event: ForebayEvent) => void, event: ForebayEvent): void {
    try {
      listener(event)
    } catch (error) {
      if (event.type !== 'listener-error') this.tell({ type: 'listener-error', error })
    }
  }
}

function without(listeners: readonly Listener[], gone: Listener): readonly Listener[] {
  return listeners.filter((listener) => listener !== gone)
}
