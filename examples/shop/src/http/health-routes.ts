import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Forebay, type HealthProbe, healthResponse } from 'forebay'

const probes: Readonly<Record<string, HealthProbe>> = { '/livez': 'live', '/readyz': 'ready', '/startupz': 'startup' }

/** What an orchestrator asks; anybody may, so nothing is told but pass, warn or fail. */
export function healthRoutes(app: FastifyInstance, forebay: Forebay): void {
  for (const [path, probe] of Object.entries(probes)) app.get(path, (_request, reply) => answerProbe(reply, forebay, { probe }))
}

export function answerProbe(
  reply: FastifyReply,
  forebay: Forebay,
  { probe, details }: { readonly probe: HealthProbe; readonly details?: boolean },
): FastifyReply {
  const { status, headers, body } = healthResponse(forebay, probe, { details })
  return reply.code(status).headers(headers).send(body)
}
