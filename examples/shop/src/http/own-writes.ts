import type { FastifyInstance } from 'fastify'
import { type Forebay, ForebayError } from 'forebay'
import { cookieOf, keepCookie } from './cookies.js'

const cookie = 'own-writes'
/** Longer than any process takes to hear of a write, also when it has lost its connection for a while. */
const keptSeconds = 60

/**
 * Who has just saved something sees it saved, whichever process of the shop answers next: what the request has written is
 * handed to the browser as a token, and the reads of its next requests see what the token tells of.
 */
export function showOwnWrites(app: FastifyInstance, forebay: Forebay): void {
  // After the body has been read: what follows, up to `onSend`, runs inside.
  app.addHook('preHandler', (request, _reply, done) => {
    const given = cookieOf(request, cookie)
    try {
      forebay.withToken(given, done)
    } catch (error) {
      if (!(error instanceof ForebayError && error.code === 'E_TOKEN')) throw error
      forebay.withToken(undefined, done) // altered, or of another version of the shop: as if there were none
    }
  })
  app.addHook('onSend', async (request, reply) => {
    const value = forebay.token()
    if (value && value !== cookieOf(request, cookie)) keepCookie(reply, { name: cookie, value, seconds: keptSeconds })
  })
}
