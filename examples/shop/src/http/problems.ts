import type { FastifyError, FastifyInstance, FastifyReply, FastifySchemaValidationError } from 'fastify'

/** Answers with a problem document (RFC 9457): the status, and one sentence that says what is wrong. */
export function problem(reply: FastifyReply, status: number, title: string, detail: string): FastifyReply {
  return reply.code(status).type('application/problem+json').send({ type: 'about:blank', title, status, detail })
}

/** Every refusal and failure of the app leaves as a problem document; only what is our own fault is logged. */
export function answerProblems(app: FastifyInstance): void {
  app.setSchemaErrorFormatter((errors, where) => new Error(errors.map((error) => explain(error, where)).join(' ')))
  app.setNotFoundHandler((request, reply) => problem(reply, 404, 'Not Found', `There is nothing at ${request.method} ${request.url}.`))
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500) return problem(reply, status, status === 400 ? 'Bad Request' : 'Request refused', error.message)
    console.error(`${request.method} ${request.url} failed:`, error)
    return problem(reply, 500, 'Internal Server Error', 'The shop could not answer this; its log says why.')
  })
}

/** With Ajv's `verbose` an error brings its schema, whose `description` completes "… must be". */
type ExplainedError = FastifySchemaValidationError & {
  readonly parentSchema?: { readonly description?: string; readonly properties?: object }
}

function explain({ keyword, instancePath, params, parentSchema, message }: ExplainedError, where: string): string {
  const place = where === 'querystring' ? 'query' : where
  if (keyword === 'additionalProperties') {
    const known = Object.keys(parentSchema?.properties ?? {}).join(', ')
    return `The ${place} has an unknown field "${params.additionalProperty}"; known are: ${known}.`
  }
  if (keyword === 'required') return `The ${place} lacks "${params.missingProperty}".`
  const subject = instancePath === '' ? `The ${place}` : `"${instancePath.slice(1)}" in the ${place}`
  return `${subject} must be ${parentSchema?.description ?? message}.`
}
