import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createForebay, type Forebay, type ForebayStats } from 'forebay'
import { onTestFinished } from 'vitest'
import type { Author, Book, BookList } from '../src/books/book.js'
import { openStores, type Stores } from '../src/books/open-stores.js'
import { createCatalogue } from '../src/catalogue/catalogue.js'
import { createApp } from '../src/http/app.js'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What the shop answered, as the tests look at it. */
export interface Answer {
  readonly status: number
  readonly cache: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Body
}

/** All that any answer may say; a test looks at what its own answer says. */
interface Body extends Book, Omit<BookList, 'ids'>, Pick<Author, 'titles' | 'decades'> {
  readonly books: readonly Book[]
  readonly text: string
  readonly wishes: number
  readonly caches: ForebayStats['caches']
}

/** A folder that goes when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export const adminToken = 'the-word-of-the-staff'

/** The whole shop but for its port: real store, real cache in this process, requests handed to the app. */
export async function openShop({ folder, ...settings }: { readonly folder?: string; readonly adminToken?: string | undefined } = {}) {
  const stores = await openStores(folder ?? (await temporaryFolder()))
  const forebay = createForebay({ service: 'shop', redis: false })
  const shop = await openApp(forebay, stores, { adminToken, ...settings })
  const close = once(async () => {
    await shop.app.close()
    await forebay.close()
    await stores.close()
  })
  onTestFinished(close)
  return { ...shop, close, forebay, books: stores.books }
}

/** One process of the shop over its caches and stores. */
export async function openApp(forebay: Forebay, stores: Stores, settings: { readonly adminToken: string | undefined } = { adminToken }) {
  const catalogue = createCatalogue(forebay, stores)
  const app = await createApp({ catalogue, forebay, ...settings })

  /** Cookies that an answer sets are sent with what is asked `as` the same customer. */
  async function ask(method: Method, url: string, body?: object | string, as: Customer = { headers: {} }): Promise<Answer> {
    const json = body !== undefined && { payload: body }
    const headers = { ...as.headers, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const response = await app.inject({ method, url, headers, ...json })
    for (const { name, value } of response.cookies) as.headers = { ...as.headers, cookie: withCookie(as.headers.cookie, name, value) }
    const isJson = String(response.headers['content-type']).includes('json')
    const cache = response.headers['x-cache']
    return {
      status: response.statusCode,
      cache: cache === undefined ? undefined : String(cache),
      headers: response.headers,
      body: (isJson ? response.json() : { text: response.body }) as Body,
    }
  }
  return { app, ask, catalogue }
}

/** Somebody who asks: what his browser sends along. */
export interface Customer {
  headers: { readonly cookie?: string; readonly authorization?: string }
}

function withCookie(cookies = '', name: string, value: string): string {
  const others = cookies.split('; ').filter((cookie) => cookie !== '' && !cookie.startsWith(`${name}=`))
  return [...others, `${name}=${value}`].join('; ')
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}
