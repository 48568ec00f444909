import type { Clock, Random } from '../core/clock.js'
import type { Tell } from '../core/events.js'
import type { Notice } from '../core/notice.js'
import { Supervisor } from '../core/supervisor/supervisor.js'
import type { Agreement } from './agreement.js'
import { clientOpener } from './client.js'
import { ClusterTopology } from './cluster.js'
import { evictionWarning } from './eviction-warning.js'
import type { Layout } from './layout.js'
import type { LinkNews } from './link-news.js'
import type { Address, RedisPlan } from './plan.js'
import { SingleTopology } from './single.js'
import type { Topology } from './topology.js'

export interface OpenTopologyParts {
  readonly clock: Clock
  readonly random: Random
  readonly tell: Tell
  readonly layout: Layout
  readonly agreement: Agreement
  readonly news: LinkNews
  readonly hear: (shard: number, notice: Notice) => void
  /** A server can be used, or asked, again. */
  readonly onUp: () => void
  /** Told of each `maxmemory-policy` that is met, where memory has a bound. */
  readonly onEvictionPolicy: (policy: string) => void
  /** That connections end after that is no news. */
  readonly isClosed: () => boolean
}

/** Connects to the servers of this plan, each of which is judged by a supervisor. */
export function openTopology(plan: RedisPlan, parts: OpenTopologyParts): Topology {
  const { clock, random, tell, layout, agreement, news, hear, onUp } = parts
  const openerParts = { random, clock, news }
  const open = clientOpener(plan, openerParts)
  const supervise = (address: Address | undefined): Supervisor =>
    new Supervisor({
      node: news.nameOf(address),
      plan: plan.supervision,
      random,
      nowMs: clock.now(),
      onChange: (change) => {
        if (parts.isClosed()) return
        tell({ type: 'redis-state', ...change })
        if (change.state === 'probing' || change.before === 'connecting') onUp()
      },
    })
  const openReplica = plan.path === undefined ? open : clientOpener({ ...plan, path: undefined }, openerParts)
  const greet = evictionWarning(tell, parts.onEvictionPolicy)
  const { deadlines } = plan
  const given = { clock, random, open, openReplica, deadlines, news, onUp, supervise, plan, layout, agreement, hear, greet }
  return plan.mode === 'cluster' ? new ClusterTopology(given) : new SingleTopology(given)
}
