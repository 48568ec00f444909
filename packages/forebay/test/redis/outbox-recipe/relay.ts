// A process that relays the outbox to the caches as the guide says.
import { createForebay } from 'forebay'
import { followChanges, outboxSource } from 'forebay/upstream'
import pg from 'pg'
import { at, plan, say } from './child.js'
import type { RelayPlace } from './messages.js'

interface Row {
  readonly id: string
  readonly change: { readonly book: string; readonly authors: readonly number[] }
}

let dieAt: RelayPlace | undefined
process.on('message', (place: RelayPlace) => {
  dieAt = place
})

const { claim, remove } = plan.recipe
const pool = new pg.Pool({ connectionString: plan.postgres, application_name: plan.name, max: 3 })
const forebay = createForebay({ service: plan.service, redis: plan.redis, defaults: { ttl: '1h' } })
forebay.cache('books')
await forebay.ready()

const source = outboxSource<Row>({
  read: async (limit) => {
    const { rows } = await pool.query<Row>(claim, [limit])
    if (rows.length > 0) await at('claimed', dieAt)
    return rows
  },
  done: async (rows) => {
    await at('acknowledged', dieAt)
    const removed = pool.query(remove, [rows.map(({ id }) => id)])
    await at('removing', dieAt)
    await removed
  },
  poll: '100ms',
})
followChanges({
  forebay,
  source,
  map: ({ id, change }) => {
    void say({ is: 'published', id })
    setImmediate(() => void at('sending', dieAt)) // sent by then, and seldom answered
    return [{ cache: 'books', key: change.book }, { tags: change.authors.map((author) => `author:${author}`) }]
  },
  onError: (error) => {
    throw error
  },
})
const listener = await pool.connect()
listener.on('notification', () => source.poke())
await listener.query('LISTEN cache_outbox')
await say({ is: 'ready' })
