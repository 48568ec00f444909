import { createTestForebay } from 'forebay/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openStores } from '../src/books/open-stores.js'
import { adminToken, openApp, openShop, temporaryFolder } from './open-shop.js'

const staff = { headers: { authorization: `Bearer ${adminToken}` } }

test('the probes pass, and tell nothing but that', async () => {
  const { ask, forebay } = await openShop()
  await forebay.ready()
  for (const path of ['/livez', '/readyz', '/startupz']) {
    const { status, headers, body } = await ask('GET', path)
    expect([status, body]).toEqual([200, { status: 'pass' }])
    expect(headers).toMatchObject({ 'content-type': expect.stringContaining('application/health+json'), 'cache-control': 'no-store' })
  }
})

test('the reasons are for staff', async () => {
  const { ask } = await openShop()
  expect((await ask('GET', '/admin/health')).status).toBe(401)
  const { status, body } = await ask('GET', '/admin/health', undefined, staff)
  expect([status, body]).toMatchObject([200, { status: 'pass', checks: { 'outbox:waiting': [{ observedValue: 0 }] } }])
})

test('without Redis the shop is degraded, and stays in service', async () => {
  const { forebay, redis, clock } = createTestForebay()
  const stores = await openStores(await temporaryFolder())
  const { app, ask } = await openApp(forebay, stores)
  onTestFinished(async () => {
    await app.close()
    await stores.close()
  })
  await forebay.ready()
  forebay.health() // from here on it is looked after
  await clock.advance('2s')
  redis.stop()
  await clock.advance('10s')
  expect((await ask('GET', '/readyz')).body).toEqual({ status: 'warn' })
  expect((await ask('GET', '/livez')).body).toEqual({ status: 'pass' })
  expect(await ask('GET', '/api/books/emma')).toMatchObject({ status: 200, cache: 'origin' })
  redis.restart()
  await clock.advance('10s')
  expect((await ask('GET', '/readyz')).body).toEqual({ status: 'pass' })
})

test('a shop that is about to end is given no more work, and still does what comes', async () => {
  const { ask, forebay } = await openShop()
  forebay.drain()
  expect(await ask('GET', '/readyz')).toMatchObject({ status: 503, body: { status: 'fail' } })
  expect((await ask('GET', '/livez')).status).toBe(200)
  expect((await ask('GET', '/api/books/emma')).status).toBe(200)
})
