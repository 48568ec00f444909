import type { Clock } from '../core/clock.js'
import { ForebayError } from '../core/errors.js'
import { givenFunction } from './given.js'
import { type LoadContext, type LoadedOptions, type Loader, entryMark, notModifiedMark, notStoredMark } from './public.js'

/** What a loader's answer means. `options`: lifetimes and tags of its own. */
export type Outcome =
  | { readonly kind: 'store'; readonly value: unknown; readonly options: LoadedOptions | undefined }
  | { readonly kind: 'pass'; readonly value: unknown }
  /** The previous value still stands. */
  | { readonly kind: 'same'; readonly options: LoadedOptions | undefined }

/** Runs a loader under its hard timeout. What comes later than that is ignored. */
export async function runLoader(
  load: Loader<unknown>,
  context: Omit<LoadContext, 'signal'>,
  controller: AbortController,
  limit: { readonly clock: Clock; readonly hardTimeoutMs: number },
): Promise<Outcome> {
  const { promise: tooLate, reject } = withReject()
  const timer = limit.clock.after(limit.hardTimeoutMs, () => {
    const error = new ForebayError('E_LOAD_TIMEOUT', `the loader has not answered within ${limit.hardTimeoutMs} ms`)
    reject(error)
    controller.abort(error)
  })
  // Made when it is asked for: few loaders do, and for the others it would be the dearest part of a load.
  const given: LoadContext = {
    get signal() {
      return controller.signal
    },
    ...context,
  }
  try {
    return outcomeOf(await Promise.race([call(load, given), tooLate]))
  } finally {
    timer.cancel()
  }
}

/** A loader that throws at once fails like one that rejects. */
async function call(load: Loader<unknown>, context: LoadContext): Promise<unknown> {
  return givenFunction('the loader', load)(context)
}

/** What a loader or a commit has answered. */
export function outcomeOf(answer: unknown): Outcome {
  if (answer !== null && typeof answer === 'object' && 'kind' in answer) {
    const marked = answer as { kind: unknown; value: unknown; options?: LoadedOptions }
    if (marked.kind === entryMark) return { kind: 'store', value: marked.value, options: marked.options }
    if (marked.kind === notModifiedMark) return { kind: 'same', options: marked.options }
    if (marked.kind === notStoredMark) return { kind: 'pass', value: marked.value }
  }
  return { kind: 'store', value: answer, options: undefined }
}

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<never>((_, fail) => {
    reject = fail
  })
  return { promise, reject }
}
