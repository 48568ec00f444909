/** What may still be spent on running worlds again. */
export interface Budget {
  runs: number
}

/**
 * A small part of `items` with which something still fails (delta debugging): leaves out ever smaller pieces for as long as the rest
 * fails. Once the budget is used up, the smallest part found so far is the answer. All items must be known to fail.
 */
export async function smallest<T>(
  items: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
  budget: Budget,
): Promise<readonly T[]> {
  const stillFails = (some: readonly T[]): Promise<boolean> => {
    if (budget.runs <= 0) return Promise.resolve(false)
    budget.runs--
    return fails(some)
  }
  if (items.length === 0 || (await stillFails([]))) return []
  let rest = items
  let pieces = 2
  while (rest.length > 1 && budget.runs > 0) {
    const shorter = await withoutOnePiece(rest, pieces, stillFails)
    if (shorter !== undefined) {
      rest = shorter
      pieces = Math.max(2, Math.min(pieces - 1, rest.length))
    } else if (pieces < rest.length) pieces = Math.min(2 * pieces, rest.length)
    else break
  }
  return rest
}

/** The items without one of so many pieces, if that still fails. */
async function withoutOnePiece<T>(
  items: readonly T[],
  pieces: number,
  stillFails: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  const size = Math.ceil(items.length / pieces)
  for (let from = 0; from < items.length; from += size) {
    const shorter = [...items.slice(0, from), ...items.slice(from + size)]
    if (await stillFails(shorter)) return shorter
  }
  return undefined
}
