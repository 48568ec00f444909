import Fastify, { type FastifyInstance } from 'fastify'
import type { Forebay } from 'forebay'
import type { Catalogue } from '../catalogue/catalogue.js'
import { adminRoutes } from './admin-routes.js'
import { bookRoutes } from './book-routes.js'
import { healthRoutes } from './health-routes.js'
import { showOwnWrites } from './own-writes.js'
import { pageRoutes } from './page.js'
import { answerProblems } from './problems.js'
import { shelfRoutes } from './shelf-routes.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request came, on the clock of `performance.now()`. */
    receivedMs: number
  }
}

export interface AppParts {
  readonly catalogue: Catalogue
  readonly forebay: Forebay
  /** Without it there are no admin routes. */
  readonly adminToken: string | undefined
}

/** The whole shop as a Fastify app that does not listen yet. */
export async function createApp({ catalogue, forebay, adminToken }: AppParts): Promise<FastifyInstance> {
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
  showOwnWrites(app, forebay)
  bookRoutes(app, catalogue)
  shelfRoutes(app, catalogue)
  healthRoutes(app, forebay)
  adminRoutes(app, { catalogue, forebay, adminToken })
  app.get('/cache/stats', (_request, reply) => reply.header('cache-control', 'no-store').send(forebay.stats()))
  await pageRoutes(app)
  return app
}
