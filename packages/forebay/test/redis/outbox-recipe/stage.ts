import pg from 'pg'
import { until } from '../../../../../scripts/until.mjs'
import { createForebay } from '../../../src/create-forebay.js'
import type { Cache, Forebay } from '../../../src/engine/public.js'
import type { SimRandom } from '../../../src/testing/sim-random.js'
import { Child, type compile, type Role } from './children.js'
import { type Plan, type RelayPlace, relayPlaces, type Said, type Transaction, type Work, type WriterPlace } from './messages.js'
import type { RedisServerOption } from '../../../src/redis/redis-option.js'
import type { Recipe } from './recipe.js'

export interface StageParts {
  readonly postgres: string
  readonly redis: RedisServerOption
  readonly service: string
  readonly recipe: Recipe
  readonly program: Awaited<ReturnType<typeof compile>>['program']
}

type Titles = Readonly<Record<string, string>>
/** A reader in this process: a book by its id, and the shelf of an author, which is cached with his tag. */
interface Reader {
  readonly forebay: Forebay
  readonly books: Cache<string>
  readonly shelves: Cache<Titles>
}

/** Books and who wrote them. Few, so that the same ones are read, written and lost again and again. */
export const authorOf: Readonly<Record<string, number>> = { b1: 7, b2: 7, b3: 8, b4: 8, b5: 9 }
const books = Object.keys(authorOf)
const authors = [...new Set(Object.values(authorOf))]
/** The staleness contract of the readers. */
const maxStaleness = 100

/** The database with its readers, its relays and whoever writes; and the books kept about who published what. */
export class Stage {
  /** Rows that were handed to `map`, with how often. */
  readonly published = new Map<string, number>()
  /** Rows by transactions that were committed or rolled back. */
  readonly rows = new Set<string>()
  readonly deaths = new Map<string, number>()
  /** Processes that ended, and not because they were to. */
  readonly failures: string[] = []
  readonly #parts: StageParts
  readonly #pool: pg.Pool
  readonly #readers: readonly Reader[]
  readonly #reads = new Set<Promise<unknown>>()
  #relays: Child[] = []
  readonly #alive = new Set<Child>()
  #started = 0
  #turn = 0

  constructor(parts: StageParts) {
    this.#parts = parts
    this.#pool = new pg.Pool({ connectionString: parts.postgres, max: 4 })
    // The pool says that it has ended before its connections have; a server that is stopped then tells them so.
    this.#pool.on('error', () => {})
    this.#readers = [this.#reader(), this.#reader(false)]
  }

  async open(relays: number): Promise<void> {
    await this.#pool.query(`CREATE TABLE books (id text PRIMARY KEY, title text NOT NULL, author int NOT NULL);
      CREATE TABLE history (id bigint PRIMARY KEY); ${this.#parts.recipe.tables}`)
    for (const [book, author] of Object.entries(authorOf))
      await this.#pool.query('INSERT INTO books VALUES ($1, $2, $3)', [book, 'old', author])
    this.#relays = Array.from({ length: relays }, () => this.start('relay'))
    await Promise.all([...this.#readers.map(({ forebay }) => forebay.ready()), ...this.#relays.map(({ ready }) => ready)])
  }

  async close(): Promise<void> {
    this.#relays = []
    await Promise.all([...this.#alive].map((child) => child.kill()))
    await Promise.all(this.#reads)
    await Promise.all(this.#readers.map(({ forebay }) => forebay.close()))
    await this.#pool.end()
  }

  start(role: Role): Child {
    const { program, postgres, redis, service, recipe } = this.#parts
    const name = `${role}-${++this.#started}`
    const plan: Plan = { postgres, redis, service, name, recipe }
    const child = new Child(program(role), plan, (said) => this.#hear(role, said))
    this.#alive.add(child)
    void child.ended.then((how) => {
      this.#alive.delete(child)
      if (how !== 'SIGKILL') this.failures.push(`${name} ended with ${how}`)
      if (role === 'relay') this.#replace(child)
    })
    return child
  }

  /** Everything is read, and therefore cached, by every reader. */
  warm(): Promise<unknown> {
    return Promise.all(
      this.#readers.flatMap((reader) => [...books.map((id) => this.#book(reader, id)), ...authors.map((id) => this.#shelf(reader, id))]),
    )
  }

  /** One of the relays, or all, will die at a place, or at the next thing that they say: as soon as they get something to relay. */
  async endRelays(place: RelayPlace | 'anywhere', random: SimRandom): Promise<void> {
    await Promise.all(this.#relays.map(({ ready }) => ready))
    const doomed = random.chance(0.2) ? this.#relays : [random.pick(this.#relays)]
    for (const relay of doomed) {
      if (place === 'anywhere') relay.process.once('message', () => this.#killed(relay, 'relay anywhere'))
      else relay.tell(place)
    }
  }

  /** How many relays have died. */
  relayDeaths(): number {
    return [...this.deaths].reduce((sum, [death, times]) => (death.startsWith('relay') ? sum + times : sum), 0)
  }

  /** Lets the writer work, and resolves when it has finished, or has died and the database has dealt with that. */
  async write(writer: Child, work: Work, killAt?: number): Promise<'finished' | 'dead'> {
    await writer.ready
    const finished = writer.says('finished').then(() => 'finished' as const)
    finished.catch(() => {}) // it may have died, which is asked for beside it
    let said = 0
    const count = (): void => {
      if (++said === killAt) this.#killed(writer, 'writer anywhere')
    }
    writer.process.on('message', count)
    writer.tell(work)
    const end = await Promise.race([finished, writer.ended.then(() => 'dead' as const)])
    writer.process.off('message', count)
    if (end === 'dead') await this.#gone()
    return end
  }

  /** Waits until every committed row has been dealt with. */
  async recovered(): Promise<void> {
    await until('an outbox without rows', async () => (await this.#pool.query('SELECT id FROM cache_outbox LIMIT 1')).rowCount === 0, {
      everyMs: 3,
    })
    await Promise.all(this.#reads)
  }

  /** Books that a reader without memory finds cached with another title than the database has. */
  async lost(): Promise<string[]> {
    const titles = await this.#titles()
    const reader = this.#readers[1]
    const found = await Promise.all(books.map(async (id) => ({ id, title: await reader?.books.get(id) })))
    return found
      .filter(({ id, title }) => title !== undefined && title !== titles[id])
      .map(({ id, title }) => `${id}: ${title}, not ${titles[id]}`)
  }

  /** Resolves when no reader has anything old any more, in memory or in Redis, by key or by tag. */
  async allNew(): Promise<void> {
    const titles = await this.#titles()
    const isNew = (title: string | undefined, id: string) => title === undefined || title === titles[id]
    await until(
      'readers without old values',
      async () => {
        const kept = this.#readers.flatMap(({ books: cache }) => books.map(async (id) => isNew(await cache.get(id), id)))
        const shelves = this.#readers.flatMap(({ shelves: cache }) =>
          authors.map(async (author) => Object.entries((await cache.get(author)) ?? {}).every(([id, title]) => isNew(title, id))),
        )
        return (await Promise.all([...kept, ...shelves])).every(Boolean)
      },
      { everyMs: 5 },
    )
  }

  async committedRows(): Promise<string[]> {
    return (await this.#pool.query<{ id: string }>('SELECT id FROM history ORDER BY id')).rows.map(({ id }) => id)
  }

  #reader(memory?: false): Reader {
    const { service, redis } = this.#parts
    const forebay = createForebay({ service, redis, defaults: { ttl: '1h', maxStaleness, memory } })
    return { forebay, books: forebay.cache('books'), shelves: forebay.cache('shelves') }
  }

  #book({ books: cache }: Reader, id: string): Promise<string> {
    return cache.getOrSet(id, async () => (await this.#titles())[id] ?? '')
  }

  async #shelf({ shelves: cache }: Reader, author: number): Promise<void> {
    await cache.getOrSet(
      author,
      async () => {
        const titles = await this.#titles()
        return Object.fromEntries(books.filter((id) => authorOf[id] === author).map((id) => [id, titles[id] ?? '']))
      },
      { tags: [`author:${author}`] },
    )
  }

  async #titles(): Promise<Titles> {
    const { rows } = await this.#pool.query<{ id: string; title: string }>('SELECT id, title FROM books')
    return Object.fromEntries(rows.map(({ id, title }) => [id, title]))
  }

  #hear(role: Role, said: Said): void {
    if (said.is === 'row') this.rows.add(said.id)
    if (said.is === 'published') this.published.set(said.id, (this.published.get(said.id) ?? 0) + 1)
    if (said.is !== 'at') return
    if (said.dying) this.#count(`${role} ${said.place}`)
    // Meanwhile the readers read, here and there.
    const turn = this.#turn++
    for (const reader of this.#readers) {
      this.#track(this.#book(reader, books[turn % books.length] ?? ''))
      this.#track(this.#shelf(reader, authors[turn % authors.length] ?? 0))
    }
  }

  #track(reading: Promise<unknown>): void {
    const read = reading.catch((error) => this.failures.push(`a reader failed: ${error}`)).finally(() => this.#reads.delete(read))
    this.#reads.add(read)
  }

  #killed(child: Child, how: string): void {
    this.#count(how)
    child.process.kill('SIGKILL')
  }

  #count(death: string): void {
    this.deaths.set(death, (this.deaths.get(death) ?? 0) + 1)
  }

  #replace(dead: Child): void {
    if (this.#relays.includes(dead)) this.#relays = [...this.#relays.filter((relay) => relay !== dead), this.start('relay')]
  }

  /** The database has noticed: what a dead writer had begun is either committed or rolled back. */
  async #gone(): Promise<void> {
    const query = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'writer-%' AND state <> 'idle'"
    await until('an end of its transactions', async () => (await this.#pool.query(query)).rowCount === 0, { everyMs: 3 })
  }
}

export const everyDeath = [
  ...['begun', 'updated', 'told', 'committing', 'committed', 'anywhere'].map((place) => `writer ${place}`),
  ...[...relayPlaces, 'anywhere'].map((place) => `relay ${place}`),
]

/** What a writer does: a few transactions, some of them taken back. */
export function someWork(random: SimRandom, round: number, dieAt?: WriterPlace): Work {
  const transactions = Array.from({ length: 1 + random.below(4) }, (_, i): Transaction => {
    const book = random.pick(books)
    return { book, author: authorOf[book] ?? 0, title: `${round}.${i}`, end: random.chance(0.3) ? 'rollback' : 'commit' }
  })
  const last = transactions.at(-1)
  // Whoever is to die while or after he commits has to commit.
  return {
    dieAt,
    transactions: last === undefined || dieAt === undefined ? transactions : [...transactions.slice(0, -1), { ...last, end: 'commit' }],
  }
}

/** How many things a writer says while he does this. */
export function saidDuring({ transactions }: Work): number {
  return transactions.reduce((sum, { end }) => sum + (end === 'commit' ? 6 : 4), 0)
}
