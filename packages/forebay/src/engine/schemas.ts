import type { EncodedValue } from '../core/codec.js'
import { ForebayError } from '../core/errors.js'
import type { CachePlan } from '../core/plan.js'
import { placeOf, type SchemaResult } from '../core/schema.js'

/** What the cache's schema makes of a value on its way in; throws `E_VALUE_SCHEMA`. */
export function admit(plan: CachePlan, value: unknown): unknown {
  return plan.schema === undefined ? value : checked(plan, value, 'a value')
}

/**
 * What a later read will give for an admitted value. The schema sees its own results again on the way out of the far store, so it must take
 * them and leave them as they are: otherwise every read from Redis would be a miss, or memory and Redis would give different values.
 */
export function readBack(plan: CachePlan, decoded: unknown, encoded: EncodedValue, encode: (value: unknown) => EncodedValue): unknown {
  if (plan.schema === undefined) return decoded
  const value = checked(plan, decoded, 'what the schema has made of a value')
  const { codec, payload } = encode(value)
  if (codec === encoded.codec && Buffer.compare(payload, encoded.payload) === 0) return value
  throw refused(plan, 'the schema alters what it has made itself; a transformation must leave its own results as they are')
}

/** What became of a value on its way out of the far store. `place`: where it did not fit. */
export type Readmitted = { readonly value: unknown } | { readonly place: string }

/** A decoded value as the schema gives it. One that does not fit is migrated, where the cache says how, and checked again. */
export function readmit(plan: CachePlan, value: unknown): Readmitted {
  const found = examine(plan, value)
  if (found.issues === undefined) return found
  const migrated = migrate(plan, value)
  const again = migrated === undefined ? found : examine(plan, migrated)
  return again.issues === undefined ? again : { place: placeOf(found.issues[0]) }
}

function migrate(plan: CachePlan, old: unknown): unknown {
  try {
    return plan.migrate?.(old)
  } catch {
    return undefined // it knows some shapes, and this is another one: a miss
  }
}

const waits = 'it answers with a promise; values are checked at once, so use one without asynchronous parts'

/** A schema that throws, or that answers with a promise, has found nothing valid. */
function examine(plan: CachePlan, value: unknown): SchemaResult<unknown> {
  if (plan.schema === undefined) return { value }
  try {
    const result = plan.schema['~standard'].validate(value)
    if (!('then' in result)) return result
    result.then(undefined, () => {}) // nobody waits for it
    return { issues: [{ message: waits }] }
  } catch (error) {
    return { issues: [{ message: `it threw ${error instanceof Error ? error.name : 'something that is no error'}` }] }
  }
}

function checked(plan: CachePlan, value: unknown, what: string): unknown {
  const result = examine(plan, value)
  if (result.issues === undefined) return result.value
  const { issues } = result
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''
  throw refused(plan, `the schema does not take ${what}: value${placeOf(issues[0])}: ${issues[0]?.message ?? 'no reason given'}${more}`)
}

function refused(plan: CachePlan, detail: string): ForebayError {
  return new ForebayError('E_VALUE_SCHEMA', `cache '${plan.name}': ${detail}`)
}
