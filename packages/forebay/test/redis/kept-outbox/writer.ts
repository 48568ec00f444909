// A process that invalidates a key while Redis is away, tells what it was answered, and waits for its end.
import { createForebay } from 'forebay'

const { redis, service, directory } = JSON.parse(process.argv[2] ?? '') as { redis: string; service: string; directory: string }
process.on('disconnect', () => process.exit()) // nobody outlives the test

const forebay = createForebay({ service, redis, outbox: { directory }, defaults: { ttl: '1h' } })
const { state } = await forebay.cache('books').invalidate('b42')
process.send?.(state)
