import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type CacheControl, type Forebay, ForebayError, type Key, pattern } from 'forebay'
import type { Catalogue, TendedCache } from '../catalogue/catalogue.js'
import { written } from './answers.js'
import { answerProbe } from './health-routes.js'
import { problem } from './problems.js'
import { control, explainQuery, forget } from './schemas.js'

interface AdminParts {
  readonly catalogue: Catalogue
  readonly forebay: Forebay
  readonly adminToken: string | undefined
}

interface OneCache {
  Params: { cache: string }
}

/**
 * What staff may do while the shop runs: see how the process is, and why a key is answered as it is, turn a cache off, forget the keys
 * that begin with a text. `explain` shows keys and tags as they are, and `off` is felt by the database, so all of it is closed unless a
 * token has been set, and open only to whoever shows that.
 */
export function adminRoutes(app: FastifyInstance, { catalogue, forebay, adminToken }: AdminParts): void {
  if (adminToken === undefined) return
  void app.register((admin, _options, done) => {
    admin.addHook('onRequest', async (request, reply) => {
      if (!shows(request, adminToken)) return refuse(reply)
    })

    admin.get('/admin/health', (_request, reply) => answerProbe(reply, forebay, { probe: 'ready', details: true }))

    admin.get<OneCache & { Querystring: { key: string } }>(
      '/admin/caches/:cache/explain',
      { schema: { querystring: explainQuery } },
      async (request, reply) => {
        const cache = catalogue.caches.get(request.params.cache)
        if (!cache) return noSuchCache(reply, catalogue)
        const key = readKey(request.query.key)
        if (key === undefined) return problem(reply, 400, 'Bad Request', 'A key that begins with { or [ must be valid JSON.')
        return orBadKey(reply, () => cache.explain(key))
      },
    )

    admin.get<OneCache>('/admin/caches/:cache/hot-keys', async (request, reply) => {
      return catalogue.caches.get(request.params.cache)?.hotKeys() ?? noSuchCache(reply, catalogue)
    })

    admin.post<OneCache & { Body: CacheControl }>('/admin/caches/:cache/control', { schema: { body: control } }, async (request, reply) => {
      const cache = catalogue.caches.get(request.params.cache)
      if (!cache) return noSuchCache(reply, catalogue)
      cache.control(request.body)
      return cache.stats().control
    })

    admin.post<OneCache & { Body: { prefix: string } }>(
      '/admin/caches/:cache/forget',
      { schema: { body: forget } },
      async (request, reply) => {
        const cache = catalogue.caches.get(request.params.cache)
        if (!cache) return noSuchCache(reply, catalogue)
        const { state } = await forgetFrom(cache, request.body.prefix)
        return written(reply, state).code(204).send()
      },
    )
    done()
  })
}

/** The prefix is data: a star in it is a star, not a gap. */
function forgetFrom(cache: TendedCache, prefix: string) {
  return cache.invalidatePattern(pattern`${prefix}*`)
}

/** A key as it stands in an address: a text, or a structure in JSON. */
function readKey(text: string): Key | undefined {
  if (!/^[{[]/.test(text)) return text
  try {
    return JSON.parse(text) as Key
  } catch {
    return undefined // the caller tells
  }
}

async function orBadKey<T>(reply: FastifyReply, ask: () => Promise<T>): Promise<T | FastifyReply> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ForebayError && error.code === 'E_KEY') return problem(reply, 400, 'Bad Request', error.message)
    throw error
  }
}

function shows(request: FastifyRequest, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`))
}

function refuse(reply: FastifyReply): FastifyReply {
  return problem(reply.header('www-authenticate', 'Bearer'), 401, 'Unauthorized', 'Show the admin token: authorization: Bearer …')
}

function noSuchCache(reply: FastifyReply, { caches }: Catalogue): FastifyReply {
  return problem(reply, 404, 'Not Found', `There is no such cache; there are: ${[...caches.keys()].join(', ')}.`)
}
