import type { FastifyReply } from 'fastify'
import type { FetchResult } from 'forebay'
import type { WriteState } from '../catalogue/catalogue.js'
import { problem } from './problems.js'

/** Says which tier answered, and how old the answer is in whole seconds. */
export function served<V>(reply: FastifyReply, answer: FetchResult<V>): FetchResult<V>['value'] {
  reply.header('x-cache', answer.state === 'stale' ? 'stale' : answer.tier)
  reply.header('age', Math.floor(answer.ageMs / 1000))
  return answer.value
}

/** Says what became of the copies. */
export function written(reply: FastifyReply, state: WriteState): FastifyReply {
  return reply.header('x-cache-write', state)
}

export function noSuchBook(reply: FastifyReply, id: string): FastifyReply {
  return problem(reply, 404, 'Not Found', `There is no book "${id}".`)
}
