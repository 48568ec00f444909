/**
 * A schema of any library that speaks Standard Schema v1 (https://standardschema.dev): zod, valibot, arktype and others. `Out` is what a
 * valid value becomes.
 */
export interface Schema<Out = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>
    readonly types?: { readonly input: unknown; readonly output: Out } | undefined
  }
}

export type SchemaResult<Out> = { readonly value: Out; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Where in a value the first thing is that does not fit: `.authors[0].id`. */
export function placeOf(issue: SchemaIssue | undefined): string {
  const steps = (issue?.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
  const place = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  return place.length > longestPlace ? `${place.slice(0, longestPlace - 3)}...` : place
}

const longestPlace = 200
