import { ForebayError } from '../core/errors.js'
import { handOut } from '../core/kept-value.js'
import type { CachePlan } from '../core/plan.js'
import { isKept } from './lifetimes.js'
import type { Outcome } from './loader.js'
import type { Held } from './held.js'
import type { EntryOptions } from './public.js'

/** An outcome once it is certain what becomes of it. */
export type Settled = Exclude<Outcome, { kind: 'same' }>
/** Of an old value, what a loader may ask its origin with, and leave as it is. */
export type Previous = Pick<Held, 'value' | 'tags' | 'version' | 'validator'>

/** Puts the previous value in the place of `notModified()`, and lets pass what is not to be kept: no value, or one whose life is over already. */
export function settle(
  plan: CachePlan,
  outcome: Outcome,
  given: { readonly previous: Previous | undefined; readonly options: EntryOptions | undefined; readonly wallMs: number },
): Settled {
  const settled = outcome.kind === 'same' ? anew(outcome.options, given.previous) : outcome
  if (settled.kind === 'pass' || isKept(plan, settled.value, [settled.options, given.options], given.wallMs)) return settled
  return { kind: 'pass', value: settled.value }
}

/** The previous value for a new life. Its tags and its version stay with it: what would have invalidated it still does. */
function anew(options: Extract<Outcome, { kind: 'same' }>['options'], previous: Previous | undefined): Settled {
  if (previous === undefined) throw new ForebayError('E_NOT_MODIFIED', 'the loader returned notModified(), but no previous value is cached')
  const { value, tags, version, validator } = previous
  return {
    kind: 'store',
    value: handOut(value),
    options: { tags, version: version === 0 ? undefined : version, validator, ...defined(options) },
  }
}

function defined<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>
}
