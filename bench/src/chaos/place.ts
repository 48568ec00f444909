import { type ChaosProxy, chaosProxy } from 'forebay/testing'
import { type RedisServer, startPair, startServer, startSixNodes, startWatched } from '../server.js'

/** How a process finds its Redis. */
export type Way =
  | { readonly url: string }
  | { readonly sentinels: readonly { readonly host: string; readonly port: number }[]; readonly name: string }
  | { readonly cluster: readonly string[] }

/** The servers of one scenario, and the ways to them. */
export interface Place {
  readonly primaries: readonly RedisServer[]
  /** Replica i follows primary i; beyond that, the first one. */
  readonly replicas: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]
  /** Between the servers and, in this order, the process under chaos and the other one; none where servers tell their own addresses. */
  readonly proxies: readonly ChaosProxy[]
  readonly ways: { readonly own: Way; readonly other: Way }
  stop(): Promise<void>
}

export type PlaceName = 'server' | 'pair' | 'sentinels' | 'cluster'

export const places: Readonly<Record<PlaceName, () => Promise<Place>>> = {
  async server() {
    const server = await startServer()
    const proxy = await chaosProxy({ target: server })
    const ways = { own: { url: urlOf(proxy) }, other: { url: server.url } }
    const stop = async () => void (await Promise.all([proxy.close(), server.stop()]))
    return { primaries: [server], replicas: [], sentinels: [], proxies: [proxy], ways, stop }
  },
  /** The address of the primary is one that can move. */
  async pair() {
    const { primary, replicas, stop } = await startPair()
    const own = await chaosProxy({ target: primary })
    const other = await chaosProxy({ target: primary })
    const ways = { own: { url: urlOf(own) }, other: { url: urlOf(other) } }
    const close = async () => void (await Promise.all([own.close(), other.close(), stop()]))
    return { primaries: [primary], replicas, sentinels: [], proxies: [own, other], ways, stop: close }
  },
  async sentinels() {
    const { primary, replicas, sentinels, name, stop } = await startWatched()
    const way = { sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), name }
    return { primaries: [primary], replicas, sentinels, proxies: [], ways: { own: way, other: way }, stop }
  },
  async cluster() {
    const { primaries, replicas, urls, stop } = await startSixNodes()
    return { primaries, replicas, sentinels: [], proxies: [], ways: { own: { cluster: urls }, other: { cluster: urls } }, stop }
  },
}

function urlOf({ host, port }: ChaosProxy): string {
  return `redis://${host}:${port}`
}
