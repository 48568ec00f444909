import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createForebay, type ForebayStats } from 'forebay'
import { onTestFinished } from 'vitest'
import type { Book, BookPage } from '../src/books/book.js'
import { openStores } from '../src/books/open-stores.js'
import { createCatalogue } from '../src/catalogue/catalogue.js'
import { createApp } from '../src/http/app.js'

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** What the shop answered, as the tests look at it. */
export interface Answer {
  readonly status: number
  readonly cache: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Body
}

/** All that any answer may say; a test looks at what its own answer says. */
interface Body extends Book, BookPage {
  readonly wishes: number
  readonly caches: ForebayStats['caches']
}

/** A folder that goes when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The whole shop but for its port: real store, real cache in this process, requests handed to the app. */
export async function openShop(folder?: string) {
  const stores = await openStores(folder ?? (await temporaryFolder()))
  const forebay = createForebay({ service: 'shop', redis: false })
  const app = await createApp(createCatalogue(forebay, stores), () => forebay.stats())
  let open = true
  const close = async () => {
    if (!open) return
    open = false
    await app.close()
    await forebay.close()
    await stores.close()
  }
  onTestFinished(close)

  async function ask(method: Method, url: string, body?: object | string): Promise<Answer> {
    const json = body !== undefined && { payload: body, headers: { 'content-type': 'application/json' } }
    const response = await app.inject({ method, url, ...json })
    const isJson = String(response.headers['content-type']).includes('json')
    const cache = response.headers['x-cache']
    return {
      status: response.statusCode,
      cache: cache === undefined ? undefined : String(cache),
      headers: response.headers,
      body: (isJson ? response.json() : {}) as Body,
    }
  }
  return { ask, close, books: stores.books }
}
