import type { RedisServerOption } from '../../../src/redis/redis-option.js'
import type { Recipe } from './recipe.js'

/** What every child is started with. */
export interface Plan {
  readonly postgres: string
  readonly redis: RedisServerOption
  readonly service: string
  /** The name under which the database knows this process. */
  readonly name: string
  readonly recipe: Recipe
}

export const writerPlaces = ['begun', 'updated', 'told', 'committing', 'committed'] as const
export const relayPlaces = ['claimed', 'sending', 'acknowledged', 'removing'] as const
export type WriterPlace = (typeof writerPlaces)[number]
export type RelayPlace = (typeof relayPlaces)[number]

export interface Transaction {
  readonly book: string
  readonly author: number
  readonly title: string
  readonly end: 'commit' | 'rollback'
}

/** What a writer is asked to do: these, one after the other, dying in the last one if a place is named. */
export interface Work {
  readonly transactions: readonly Transaction[]
  readonly dieAt: WriterPlace | undefined
}

/** What children say. */
export type Said =
  | { readonly is: 'ready' | 'finished' }
  /** It has come to this place; `dying`: and ends here. */
  | { readonly is: 'at'; readonly place: WriterPlace | RelayPlace; readonly dying: boolean }
  /** A transaction has put this row into the outbox, and may still be rolled back. */
  | { readonly is: 'row'; readonly id: string }
  /** A relay turns this row into invalidations. */
  | { readonly is: 'published'; readonly id: string }
