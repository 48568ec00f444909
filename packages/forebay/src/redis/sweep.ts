import type { SweepRequest } from '../core/far-store.js'
import type { Link } from './link.js'
import { listOf, textOf } from './replies.js'

/** Keys that the server looks at in one step: about a tenth of a millisecond of its time. */
const keysAtOnce = 200

/** Walks through a server's keys of this form, so many at a time, with a pause between the steps. A key may come twice. */
export async function* scan(link: Link, form: string, pause: SweepRequest['pause']): AsyncGenerator<readonly string[]> {
  let cursor = '0'
  do {
    const [next, names] = listOf(await link.call('act', 'SCAN', [cursor, 'MATCH', form, 'COUNT', keysAtOnce]))
    yield listOf(names).map(textOf)
    cursor = textOf(next)
    if (cursor !== '0') await pause()
  } while (cursor !== '0')
}
