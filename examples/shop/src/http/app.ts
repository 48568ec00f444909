import Fastify, { type FastifyInstance } from 'fastify'
import type { ForebayStats } from 'forebay'
import type { Catalogue } from '../catalogue/catalogue.js'
import { bookRoutes } from './book-routes.js'
import { pageRoutes } from './page.js'
import { answerProblems } from './problems.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request came, on the clock of `performance.now()`. */
    receivedMs: number
  }
}

/** The whole shop as a Fastify app that does not listen yet. */
export async function createApp(catalogue: Catalogue, cacheStats: () => ForebayStats): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: 16 * 1024,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, verbose: true } },
  })
  answerProblems(app)
  app.decorateRequest('receivedMs', 0)
  app.addHook('onRequest', async (request) => {
    request.receivedMs = performance.now()
  })
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    reply.header('server-timing', `shop;dur=${(performance.now() - request.receivedMs).toFixed(2)}`)
  })
  bookRoutes(app, catalogue)
  app.get('/cache/stats', (_request, reply) => reply.header('cache-control', 'no-store').send(cacheStats()))
  await pageRoutes(app)
  return app
}
