import type { Fleet } from './fleet.js'
import { sharedMs } from './shared-clock.js'

const neverMs = 600_000

/** A process is killed while it loads under a lease. Tells how long after that another one, which waits for its value, has loaded it. */
export async function deadLoader({ workers, hooks }: Fleet, round: number): Promise<number> {
  const [loader, other] = workers
  if (loader === undefined || other === undefined) throw new Error('two processes are needed')
  const key = `dead:${round}.`
  const begun = new Promise<void>((resolve) => {
    hooks.loading = () => resolve()
  })
  loader.call('crowd', { key, callers: 1, loadMs: neverMs }).catch(() => {})
  await begun
  const waiting = other.call('readOnce', { key })
  await loader.signal('SIGKILL')
  const killedMs = sharedMs()
  await waiting
  return sharedMs() - killedMs
}
