import { ForebayError } from '../core/errors.js'

/** Whether a call was not answered in time. */
export function isLate(error: unknown): error is ForebayError {
  return error instanceof ForebayError && error.code === 'E_REDIS_DEADLINE'
}

/** Tries a read a second time if it was not answered in time; reading twice harms nothing. The error is that of the first. */
export async function onceMore<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!isLate(error)) throw error
    return read().catch(() => {
      throw error
    })
  }
}

type Found<T> = readonly (T | ForebayError)[]

/** The same for reads of many: those that were late are tried together. */
export async function lateOnesOnceMore<A, T>(of: readonly A[], read: (some: readonly A[]) => Promise<Found<T>>): Promise<Found<T>> {
  const found = [...(await read(of))]
  const late = found.flatMap((one, i) => (isLate(one) ? [i] : []))
  if (late.length === 0) return found
  const again = await read(late.map((i) => of[i] as A))
  late.forEach((i, n) => {
    const one = again[n] as T | ForebayError
    if (!(one instanceof ForebayError)) found[i] = one
  })
  return found
}
