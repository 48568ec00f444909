import { Agent, get, type IncomingMessage } from 'node:http'
import { readConfig } from './config.js'

/**
 * Asks the shop on this machine for books, as fast as it answers, for ten seconds: mostly single books (a few of them
 * very popular, as in any shop), some lists, and now and then one that does not exist. It only reads.
 */
const durationMs = 10_000
const customers = 16

interface Answer {
  readonly servedBy: string
  readonly status: number
  readonly body: string
}

const { port } = readConfig(process.env)
const agent = new Agent({ keepAlive: true, maxSockets: customers })

function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent, timeout: 5_000 }, (response: IncomingMessage) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve({ servedBy: String(response.headers['x-cache'] ?? 'none'), status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')))
    request.on('error', reject)
  })
}

async function idsOfBooks(): Promise<string[]> {
  const ids: string[] = []
  for (let page = 1, pages = 1; page <= pages; page++) {
    const list = JSON.parse((await ask(`/api/books?page=${page}`)).body) as { pages: number; books: { id: string }[] }
    pages = list.pages
    ids.push(...list.books.map(({ id }) => id))
  }
  return ids
}

function nextPath(ids: readonly string[]): string {
  const dice = Math.random()
  if (dice < 0.12) return `/api/books?page=${1 + Math.floor(Math.random() * 20)}`
  if (dice < 0.15) return `/api/books/no-such-book-${Math.floor(Math.random() * 50)}`
  return `/api/books/${ids[Math.floor(Math.random() ** 3 * ids.length)]}` // the cube: the first eighth gets half of the requests
}

async function main(): Promise<void> {
  const ids = await idsOfBooks()
  const millisecondsByTier = new Map<string, number[]>()
  let failures = 0
  const startMs = performance.now()
  const customer = async () => {
    while (performance.now() - startMs < durationMs) {
      const askedMs = performance.now()
      const { servedBy, status } = await ask(nextPath(ids))
      if (status !== 200 && status !== 404) failures++
      const times = millisecondsByTier.get(servedBy) ?? []
      times.push(performance.now() - askedMs)
      millisecondsByTier.set(servedBy, times)
    }
  }
  console.log(`${customers} customers ask http://127.0.0.1:${port} for ${durationMs / 1000} seconds …`)
  await Promise.all(Array.from({ length: customers }, customer))
  agent.destroy()
  report(millisecondsByTier, (performance.now() - startMs) / 1000, failures)
}

function report(millisecondsByTier: ReadonlyMap<string, number[]>, seconds: number, failures: number): void {
  const total = [...millisecondsByTier.values()].reduce((sum, times) => sum + times.length, 0)
  console.log(`\n${Math.round(total / seconds)} requests/s, ${total} in all${failures > 0 ? `, ${failures} FAILED` : ''}\n`)
  console.log('x-cache      requests    share     median        p99')
  for (const [tier, times] of [...millisecondsByTier].sort((a, b) => b[1].length - a[1].length)) {
    times.sort((a, b) => a - b)
    const at = (share: number) => `${(times[Math.floor(times.length * share)] ?? 0).toFixed(2)} ms`.padStart(11)
    const share = `${((100 * times.length) / total).toFixed(1)} %`.padStart(8)
    console.log(`${tier.padEnd(10)}${String(times.length).padStart(11)} ${share}${at(0.5)}${at(0.99)}`)
  }
}

main().catch((error: unknown) => {
  const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
  console.error(refused ? `Nothing answers on 127.0.0.1:${port}. Open the shop first: npm start` : error)
  process.exit(1)
})
