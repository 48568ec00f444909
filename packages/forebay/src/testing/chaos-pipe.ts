import type { Socket } from 'node:net'
import type { Clock, Random, Timer } from '../core/clock.js'

/** What a direction does to the bytes that pass. Changed while connections are open; they look at it for each piece. */
export interface Way {
  latencyMs: number
  jitterMs: number
  bytesPerSecond: number
  frozen: boolean
  hole: boolean
  /** Each connection is reset once so many more bytes have passed. A new object counts anew. */
  cut: { readonly afterBytes: number } | undefined
}

/** A direction that does nothing to what passes. */
export function clearWay(): Way {
  return { latencyMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, frozen: false, hole: false, cut: undefined }
}

export interface PipeParts {
  readonly from: Socket
  readonly to: Socket
  readonly way: Way
  readonly clock: Clock
  readonly random: Random
  /** Ends the connection, both directions at once. */
  readonly reset: () => void
}

type Piece = { bytes: Buffer | 'end' | 'reset'; readonly dueMs: number }

/** What is under way at most: beyond it the sender is not read, and feels it as he would on a slow network. */
const mostHeldBytes = 1024 * 1024
/** Where bandwidth is limited, bytes come in pieces of this much time. */
const pieceMs = 10

/**
 * One direction of a connection: a queue of what is under way. Order is kept, as TCP keeps it: what is slowed down holds up what comes
 * behind it. TCP loses no byte either, so a direction that has swallowed one passes nothing more, ever: the ends would be out of step.
 */
export class ChaosPipe {
  readonly #parts: PipeParts
  readonly #queue: Piece[] = []
  #heldBytes = 0
  #lastDueMs = 0
  #freeAtMs = 0
  #timer: Timer | undefined
  #lost = false
  #ended = false
  #cut: Way['cut']
  #leftBytes = 0

  constructor(parts: PipeParts) {
    this.#parts = parts
    const { from, to } = parts
    from.setNoDelay(true)
    from.on('data', (bytes: Buffer) => this.#take(bytes))
    from.on('end', () => this.#takeEnd('end'))
    from.on('error', () => {}) // told by the close that follows
    from.on('close', () => this.#takeEnd('reset'))
    to.on('drain', () => this.pump())
  }

  /** From now on all is swallowed. */
  lose(): void {
    this.#lost = true
    this.stop()
    this.#parts.from.resume()
  }

  /** Forgets what is under way. */
  stop(): void {
    this.#timer?.cancel()
    this.#queue.length = 0
    this.#heldBytes = 0
  }

  /** Passes on what may pass now. */
  pump(): void {
    const { way, clock, to } = this.#parts
    this.#timer?.cancel()
    if (way.hole) return this.lose()
    for (let piece = this.#queue[0]; piece !== undefined; piece = this.#queue[0]) {
      if (way.frozen || (to.writableNeedDrain && !to.destroyed)) return
      const nowMs = clock.now()
      const waitMs = Math.max(piece.dueMs, this.#freeAtMs) - nowMs
      if (waitMs > 0) {
        this.#timer = clock.after(waitMs, () => this.pump())
        return
      }
      if (piece.bytes === 'reset') return this.#parts.reset()
      if (piece.bytes === 'end') {
        this.#queue.shift()
        to.end()
      } else if (!this.#pass(piece, piece.bytes, nowMs)) return
    }
  }

  #take(bytes: Buffer): void {
    const { way, from } = this.#parts
    if (way.hole) this.lose()
    if (this.#lost) return
    this.#push(bytes)
    this.#heldBytes += bytes.length
    if (this.#heldBytes > mostHeldBytes) from.pause()
    this.pump()
  }

  /** An end travels behind the bytes, and does not leave a hole either. A close after an end says nothing new. */
  #takeEnd(how: 'end' | 'reset'): void {
    if (this.#lost || this.#ended) return
    this.#ended = true
    this.#push(how)
    this.pump()
  }

  #push(bytes: Piece['bytes']): void {
    const { way, clock, random } = this.#parts
    this.#lastDueMs = Math.max(this.#lastDueMs, clock.now() + way.latencyMs + way.jitterMs * random.unit())
    this.#queue.push({ bytes, dueMs: this.#lastDueMs })
  }

  /** False if the connection has been cut with this piece. */
  #pass(piece: Piece, bytes: Buffer, nowMs: number): boolean {
    const { way, from, to, reset } = this.#parts
    if (this.#cut !== way.cut) [this.#cut, this.#leftBytes] = [way.cut, way.cut?.afterBytes ?? 0]
    const most = Math.max(1, Math.floor((way.bytesPerSecond * pieceMs) / 1_000))
    const some = bytes.subarray(0, this.#cut === undefined ? most : Math.min(most, this.#leftBytes))
    if (!to.destroyed) to.write(some)
    this.#leftBytes -= some.length
    this.#heldBytes -= some.length
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (1_000 * some.length) / way.bytesPerSecond
    if (some.length === bytes.length) this.#queue.shift()
    else piece.bytes = bytes.subarray(some.length)
    if (this.#cut !== undefined && this.#leftBytes === 0) {
      reset()
      return false
    }
    if (this.#heldBytes <= mostHeldBytes / 2) from.resume()
    return true
  }
}
