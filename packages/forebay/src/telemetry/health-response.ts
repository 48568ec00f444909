import type { Health, HealthCheck, HealthStatus, HealthVerdict } from '../core/health.js'

/** What a probe asks: should this process be restarted, given work, waited for? */
export type HealthProbe = 'live' | 'ready' | 'startup'

/** An answer to a probe, for any web framework. */
export interface HealthResponse {
  /** 200 for `pass` and `warn`, 503 for `fail`. */
  readonly status: 200 | 503
  readonly headers: { readonly 'content-type': 'application/health+json'; readonly 'cache-control': 'no-store' }
  /** JSON. */
  readonly body: string
}

/** What stands in the body of an answer. */
export interface HealthBody {
  readonly status: HealthStatus
  readonly output?: string | undefined
  readonly checks?: { readonly [name: string]: readonly HealthCheck[] } | undefined
}

/**
 * Answers a probe by what `health()` says, at once. Without `details` it tells nothing but `pass`, `warn` or `fail`; with them the reasons and the
 * checks, which name hosts and tell how the service is built: only behind a token, or on a port that is not public.
 */
export function healthResponse(
  source: { health(): Health },
  probe: HealthProbe,
  options: { readonly details?: boolean | undefined } = {},
): HealthResponse {
  const health = source.health()
  const verdict = verdictOf(health, probe)
  const body: HealthBody = options.details === true ? { ...verdict, checks: checksOf(health, probe) } : { status: verdict.status }
  return {
    status: verdict.status === 'fail' ? 503 : 200,
    headers: { 'content-type': 'application/health+json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  }
}

function verdictOf({ live, ready, started }: Health, probe: HealthProbe): HealthVerdict {
  return probe === 'live' ? live : probe === 'ready' ? ready : started
}

/** Liveness looks at the event loop only, and shows nothing else. */
function checksOf({ checks }: Health, probe: HealthProbe): Health['checks'] {
  return probe === 'live' ? { 'eventLoop:lag': checks['eventLoop:lag'] ?? [] } : checks
}
