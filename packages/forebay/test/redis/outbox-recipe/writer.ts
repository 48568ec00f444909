// A process that changes books as the guide says: the row and its news in one transaction.
import pg from 'pg'
import { at, plan, say } from './child.js'
import type { Transaction, WriterPlace, Work } from './messages.js'

const { begin, update, insert, commit } = plan.recipe
const client = new pg.Client({ connectionString: plan.postgres, application_name: plan.name })

async function transact({ book, title, author, end }: Transaction, dieAt: WriterPlace | undefined): Promise<void> {
  await client.query(begin)
  await at('begun', dieAt)
  await client.query(update, [book, title])
  await at('updated', dieAt)
  const { rows } = await client.query<{ id: string }>(`${insert} RETURNING id`, [book, JSON.stringify([author])])
  const id = rows[0]?.id ?? ''
  await client.query('INSERT INTO history (id) VALUES ($1)', [id])
  await say({ is: 'row', id })
  await at('told', dieAt)
  if (end === 'rollback') return void (await client.query('ROLLBACK'))
  const committed = client.query(commit)
  await at('committing', dieAt)
  await committed
  await at('committed', dieAt)
}

process.on('message', async ({ transactions, dieAt }: Work) => {
  for (const transaction of transactions) await transact(transaction, transaction === transactions.at(-1) ? dieAt : undefined)
  await say({ is: 'finished' })
})
await client.connect()
await say({ is: 'ready' })
