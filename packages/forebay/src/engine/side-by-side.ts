/** Works through a list, so many at once; ends with the first that fails. What is not begun by then is not begun. */
export async function sideBySide<T>(list: Iterable<T>, atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const rest = list[Symbol.iterator]()
  let failed = false
  const worker = async (first: T): Promise<void> => {
    try {
      await work(first)
      for (let next = rest.next(); !failed && next.done !== true; next = rest.next()) await work(next.value)
    } catch (error) {
      failed = true
      throw error
    }
  }
  const workers: Promise<void>[] = []
  /** No more than there is to do. What the list itself throws fails as work does. */
  const begin = async (): Promise<void> => {
    while (!failed && workers.length < atOnce) {
      const next = rest.next()
      if (next.done === true) return
      workers.push(worker(next.value))
    }
  }
  await Promise.all([begin(), ...workers])
}
