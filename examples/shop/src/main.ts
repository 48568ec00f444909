import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createForebay, type Forebay, ForebayError } from 'forebay'
import { openStores, type Stores } from './books/open-stores.js'
import { createCatalogue } from './catalogue/catalogue.js'
import { ConfigError, loadEnvFile, placeOfRedis, readConfig, type ShopConfig } from './config.js'
import { createApp } from './http/app.js'

/** How long requests under way may take to end after Ctrl-C before their connections are cut. */
const closingMs = 5_000

/** Of invalidations that could not be sent. */
const whatBecomesOf = 'With FOREBAY_OUTBOX_DIRECTORY the next shop tells it; without, the copies they meant live on there until their ttl.'

type App = Awaited<ReturnType<typeof createApp>>

async function start(): Promise<void> {
  loadEnvFile()
  const config = readConfig(process.env)
  const alone = config.cache.profile === 'production' ? {} : { redis: false as const } // in production it has to be said: FOREBAY_REDIS=false
  const forebay = createForebay({
    service: 'shop',
    redactKeys: (key, cache) => (cache === 'shelves' ? 'a customer' : key), // who looked at what stays out of the log
    health: {},
    ...alone,
    ...config.cache,
  })
  forebay.on('warning', ({ text }) => console.warn(`Cache: ${text}`))
  forebay.on('inconsistent', ({ cache, key, afterMs }) => console.warn(`Cache: ${cache} ${key} has been old for ${afterMs} ms.`))
  const stores = await openStores(config.dataDir).catch((cause: unknown) => {
    throw new ConfigError(`The data in ${config.dataDir} cannot be opened: ${messageOf(cause)}`, { cause })
  })
  if (stores.seeded) await forebay.clear() // Redis may still hold copies of other books, from before the data were deleted
  const catalogue = createCatalogue(forebay, stores)
  const app = await createApp({ catalogue, forebay, adminToken: config.adminToken })
  endOnSignal(async () => {
    forebay.drain() // /readyz says so; what still comes is served
    await pause(config.drainMs)
    await close(app, forebay, stores)
  })
  try {
    await app.listen({ port: config.port, host: config.host })
  } catch (cause) {
    await close(app, forebay, stores)
    throw new ConfigError(explainListening(config, cause), { cause })
  }
  await greet(config, app, stores)
  reportCache(forebay, config)
  const loaded = await catalogue.warm() // the shop is open meanwhile
  console.log(`Cache: ${loaded} books were loaded before anybody asked.`)
}

async function close(app: App, forebay: Forebay, stores: Stores): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), closingMs)
  await app.close() // no request is under way after this
  clearTimeout(cut)
  const { unsent } = await forebay.close()
  if (unsent > 0) console.error(`Redis could not be told of ${unsent} invalidations. ${whatBecomesOf}`)
  await stores.close()
}

/** Ctrl-C or SIGTERM ends the shop in good order. More of them change nothing: a terminal and npm may both pass one on. */
function endOnSignal(end: () => Promise<void>): void {
  let ending = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (ending) return
    ending = true
    console.log(`${signal}: closing …`)
    end().then(() => console.log('Closed.'), fail)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

async function greet({ dataDir }: ShopConfig, app: App, stores: Stores): Promise<void> {
  const url = urlOf(app.server.address())
  const port = new URL(url).port
  console.log(`The bookshop is open: ${await stores.books.count()} titles, kept in ${dataDir}

  Page    ${url}/
  Books   ${url}/api/books?author=Jane%20Austen
  Caches  ${url}/caches
  Load    ${port === '3000' ? '' : `PORT=${port} `}npm run load -w shop
`)
}

function reportCache(forebay: Forebay, { cache }: ShopConfig): void {
  console.log(`Cache: this process is ${forebay.stats().process} where others tell of it.`)
  const host = placeOfRedis(cache)
  if (host === undefined) {
    console.log('Cache: REDIS_URL is not set. EVERYTHING IS CACHED IN THIS PROCESS ONLY: nothing is shared, nothing outlives a restart.')
    return
  }
  console.log(`Cache: connecting to Redis at ${host}; until it answers, this process caches alone.`)
  forebay.ready().then(
    () => {
      console.log(`Cache: Redis at ${host} is shared by all processes of this service.`)
      forebay.on('redis-state', ({ node, before }) => {
        if (before === 'connecting') console.log(`Cache: Redis at ${node} can be used again.`)
      })
    },
    () => undefined, // closed before Redis was ever reached; close() has told what that means
  )
}

/** Where a browser on this machine finds the shop: a server on all addresses is also on loopback. */
function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new Error('The shop listens on no port.')
  const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': 'localhost' }
  const host = loopback[address.address] ?? (address.family === 'IPv6' ? `[${address.address}]` : address.address)
  return `http://${host}:${address.port}`
}

function explainListening({ host, port }: ShopConfig, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return `Port ${port} on ${host} is in use. End what uses it, or choose another: PORT=${port + 1} npm start`
  return `The shop cannot listen on ${host}, port ${port}: ${messageOf(error)}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A mistake of whoever starts the shop gets one line; anything else is a bug, and keeps its stack. */
function fail(error: unknown): never {
  const expected = error instanceof ConfigError || error instanceof ForebayError
  console.error(expected ? error.message : error)
  process.exit(1)
}

start().catch(fail)
