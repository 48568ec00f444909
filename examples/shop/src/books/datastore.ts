import nedb from '@seald-io/nedb'

/** A collection of documents in one file. */
export type Datastore<T> = nedb.default<T>

// The package's types describe an ES module with a default export; what Node loads is the class itself.
const Nedb = nedb as unknown as typeof nedb.default

/** Opens the collection in a file, which need not exist. */
export async function openDatastore<T>(filename: string): Promise<Datastore<T>> {
  const documents = new Nedb<T>({ filename })
  await documents.loadDatabaseAsync()
  return documents
}
