import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../../../scripts/until.mjs'
import { type ChaosProxy, chaosProxy } from './chaos-proxy.js'

/** A server that sends back what it gets, and a proxy before it. */
let echo: ReturnType<typeof createServer>
let proxy: ChaosProxy
let arrived: string
const clients: Client[] = []

beforeEach(async () => {
  arrived = ''
  echo = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      arrived += String(bytes)
      socket.write(bytes)
    })
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await chaosProxy({ target: { port: (echo.address() as AddressInfo).port } })
})
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  await proxy.close()
  echo.close()
})

interface Client {
  readonly socket: Socket
  heard: string
  /** How it was closed, once it is: the error's code, or `end`. */
  closed: string | undefined
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, proxy.host)
  const client: Client = { socket, heard: '', closed: undefined }
  clients.push(client)
  socket.on('data', (bytes) => {
    client.heard += String(bytes)
  })
  socket.on('end', () => {
    client.closed ??= 'end'
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    client.closed = error.code
  })
  await new Promise<void>((resolve) => {
    for (const event of ['connect', 'close']) socket.once(event, () => resolve())
  })
  return client
}

async function opened(): Promise<Client> {
  const client = await open()
  await echoed(client, 'hello;')
  return client
}

async function echoed(client: Client, text: string): Promise<void> {
  const wanted = client.heard + text
  client.socket.write(text)
  await until(`the echo of ${text}`, async () => client.heard === wanted)
}

/** So long that what could have arrived has: another connection's bytes have gone there and back. */
async function meanwhile(): Promise<void> {
  const direct = connect((echo.address() as AddressInfo).port, '127.0.0.1')
  for (let i = 0; i < 20; i++) {
    direct.write('.')
    await once(direct, 'data')
  }
  direct.destroy()
}

describe('a proxy', () => {
  test('passes everything, ends too', async () => {
    const client = await opened()
    const large = 'x'.repeat(3_000_000)
    await echoed(client, large)
    expect(proxy.connections).toBe(1)
    client.socket.end()
    await until('the end of the connection', async () => client.socket.destroyed && proxy.connections === 0)
    expect(client.closed).toBe('end')
  }, 20_000)

  test('delays each way, keeps order under jitter, and stops when told', async () => {
    const client = await opened()
    proxy.delay({ latencyMs: 30, jitterMs: 20 }, 'up')
    for (const word of ['a;', 'b;', 'c;', 'd;']) {
      client.socket.write(word)
      await new Promise(setImmediate)
    }
    await until('all words', async () => client.heard === 'hello;a;b;c;d;')
    proxy.delay({}, 'up')
    await echoed(client, 'e;')
  })

  test('leads new connections elsewhere, and leaves open ones where they are', async () => {
    const client = await opened()
    const other = createServer((socket) => socket.on('error', () => {}).end('other')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    proxy.leadTo({ port: (other.address() as AddressInfo).port })
    const next = await open()
    await until('the other server', async () => next.heard === 'other')
    await echoed(client, 'still here;')
    other.close()
  })

  test('passes everything where bandwidth is limited', async () => {
    const client = await opened()
    proxy.delay({ bytesPerSecond: 100_000 }, 'down')
    await echoed(client, 'x'.repeat(10_000))
  })

  test.each(['up', 'down'] as const)('holds back what goes %s while frozen, and brings it late', async (direction) => {
    const client = await opened()
    proxy.freeze(direction)
    client.socket.write('late;')
    if (direction === 'down') await until('the request', async () => arrived === 'hello;late;')
    await meanwhile()
    expect(client.heard).toBe('hello;')
    proxy.heal()
    await until('what was held back', async () => client.heard === 'hello;late;')
  })

  test.each(['up', 'down', 'both'] as const)('swallows what goes %s into a black hole; that connection stays dead', async (direction) => {
    const client = await opened()
    proxy.blackHole(direction)
    client.socket.write('lost;')
    if (direction === 'down') await until('the request', async () => arrived.startsWith('hello;lost;'))
    await meanwhile()
    proxy.heal()
    client.socket.write('after;')
    await echoed(await open(), 'new;')
    expect([client.heard, client.closed]).toEqual(['hello;', undefined])
    expect(arrived.includes('lost;')).toBe(direction === 'down')
  })

  test('loses the connections there are, silently, while new ones are well', async () => {
    const client = await opened()
    proxy.loseConnections()
    client.socket.write('lost;')
    await echoed(await open(), 'new;')
    expect([client.heard, client.closed]).toEqual(['hello;', undefined])
  })

  test('resets connections, and takes new ones', async () => {
    const client = await opened()
    proxy.reset()
    await until('the reset', async () => client.closed !== undefined)
    expect(client.closed).toBe('ECONNRESET')
    await opened()
  })

  test('cuts each connection after so many bytes', async () => {
    const client = await opened()
    proxy.cutAfter(4, 'down')
    client.socket.write('abcdef')
    await until('the cut', async () => client.closed !== undefined)
    const next = await open()
    next.socket.write('ghijkl')
    await until('the next cut', async () => next.closed !== undefined)
    // A reset may overtake what has not been read; and Node calls one that comes together with the last bytes an end.
    expect('hello;abcd'.startsWith(client.heard)).toBe(true)
    expect('ghij'.startsWith(next.heard)).toBe(true)
  })

  test('accepts and says nothing', async () => {
    const known = await opened()
    proxy.silence()
    const client = await open()
    client.socket.write('anybody there?')
    await echoed(known, 'still here;')
    expect(client.heard).toBe('')
    expect(proxy.connections).toBe(2)
    proxy.heal()
    await opened()
  })

  test('refuses new connections; open ones go on', async () => {
    const known = await opened()
    proxy.refuse()
    const client = await open()
    await until('the refusal', async () => client.closed !== undefined)
    await echoed(known, 'still here;')
    proxy.heal()
    await opened()
  })

  test('passes on that the target is gone', async () => {
    const client = await opened()
    const gone = once(echo, 'close')
    echo.close()
    proxy.reset()
    await gone
    await until('the end', async () => client.closed !== undefined)
    const next = await open()
    await until('the end', async () => next.closed !== undefined)
  })

  test('ends by itself at the end of its block', async () => {
    let port = 0
    {
      await using own = await chaosProxy({ target: { port: proxy.port } })
      port = own.port
    }
    const socket = connect(port, '127.0.0.1')
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNREFUSED')
  })
})
