import type { RedisServerOption } from '../../../src/redis/redis-option.js'

/** The shape in which a build keeps a book. One understands nothing of the other's. */
export type Shape = 'flat' | 'nested'

/** What a child is started with. */
export interface Setting {
  /** The built library: the address of its main file. */
  readonly library: string
  readonly service: string
  readonly redis: RedisServerOption
  /** Of the cache. */
  readonly version: string | undefined
  readonly shape: Shape
  /** A build of another layout, in which this process fences too. */
  readonly fencesToo?: string | undefined
}

/** Every way to make a cached book invalid. */
export const fences = [
  'invalidate',
  'deleteMany',
  'markStale',
  'set',
  'update',
  'invalidateTags',
  "the service's invalidateTags",
  'invalidatePattern',
  'clear',
  "the service's clear",
] as const
export type Fence = (typeof fences)[number]

/** The book that a read or a fence is about, and the number of its edition at the origin. */
export interface Book {
  readonly id: number
  readonly edition: number
}

export interface Read {
  readonly edition: number
  readonly tier: string
}

/** What a child can be asked to do, and what it answers. */
export interface Acts {
  /** `token`: of a write that this read must see. */
  read(book: Book & { readonly token?: string }): Promise<Read>
  /** The edition in memory. */
  peek(id: number): Promise<number | undefined>
  /** Answers with the token. */
  fence(book: Book & { readonly fence: Fence }): Promise<string>
  /** Begins a load that reads this edition and then waits; answers when it has begun. */
  beginLoad(book: Book): Promise<void>
  endLoad(): Promise<number>
  /** Reads and fences of few books at random; counts where values came from. Rejects if one has the other build's shape. */
  storm(acts: number): Promise<Readonly<Record<string, number>>>
  close(): Promise<void>
}

export interface Question {
  readonly id: number
  readonly act: keyof Acts
  readonly argument: unknown
}
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}
