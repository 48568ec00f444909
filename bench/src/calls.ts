import type { ChildProcess } from 'node:child_process'

interface Question {
  readonly ask: number
  readonly name: string
  readonly argument: unknown
}
type Answer = { readonly answer: number; readonly value: unknown } | { readonly answer: number; readonly error: string }

/** What a process answers when the other end of its channel calls. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>

/** Calls over the channel between a process and its child, in both directions. */
export class Calls {
  readonly #channel: ChildProcess | NodeJS.Process
  readonly #handlers: Handlers
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #asked = 0

  constructor(channel: ChildProcess | NodeJS.Process, handlers: Handlers = {}) {
    this.#channel = channel
    this.#handlers = handlers
    channel.on('message', (message: Question | Answer) => {
      if ('ask' in message) void this.#reply(message)
      else this.#settle(message)
    })
    const gone = (): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the other process has ended'))
      this.#waiting.clear()
    }
    channel.on('disconnect', gone)
    channel.on('exit', gone)
  }

  call<T>(name: string, argument?: unknown): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(++this.#asked, { resolve, reject })
      this.#send({ ask: this.#asked, name, argument })
    }) as Promise<T>
  }

  async #reply({ ask, name, argument }: Question): Promise<void> {
    try {
      const handler = this.#handlers[name]
      if (handler === undefined) throw new Error(`nobody answers to ${name}`)
      this.#send({ answer: ask, value: await handler(argument as never) })
    } catch (error) {
      this.#send({ answer: ask, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  }

  #settle(message: Answer): void {
    const waiting = this.#waiting.get(message.answer)
    this.#waiting.delete(message.answer)
    if ('error' in message) waiting?.reject(new Error(message.error))
    else waiting?.resolve(message.value)
  }

  #send(message: Question | Answer): void {
    // A process that has gone meanwhile is noticed by its channel's end.
    this.#channel.send?.(message, undefined, undefined, () => {})
  }
}
