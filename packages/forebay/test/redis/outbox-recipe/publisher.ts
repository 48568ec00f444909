// The control: a process that commits, and then invalidates; no outbox.
import { createForebay } from 'forebay'
import pg from 'pg'
import { at, plan, say } from './child.js'
import type { Work } from './messages.js'

const client = new pg.Client({ connectionString: plan.postgres, application_name: plan.name })
const forebay = createForebay({ service: plan.service, redis: plan.redis, defaults: { ttl: '1h' } })
const books = forebay.cache('books')

process.on('message', async ({ transactions, dieAt }: Work) => {
  for (const { book, title } of transactions) {
    await client.query(plan.recipe.update, [book, title])
    await at('committed', dieAt)
    await books.invalidate(book)
  }
  await say({ is: 'finished' })
})
await Promise.all([client.connect(), forebay.ready()])
await say({ is: 'ready' })
