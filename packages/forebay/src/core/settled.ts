import { ForebayError } from './errors.js'

/** What a call has brought, or its error where that is one of ours; any other is thrown again. */
export async function orError<T>(call: Promise<T>): Promise<T | ForebayError> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ForebayError) return error
    throw error
  }
}
