import { expect, test } from 'vitest'
import type { Health, HealthCheck } from '../core/health.js'
import { healthResponse } from './health-response.js'

const check: HealthCheck = {
  componentType: 'system',
  observedValue: 3,
  observedUnit: 'ms',
  status: 'pass',
  time: '2026-05-01T00:00:00.000Z',
}
const health: Health = {
  live: { status: 'pass' },
  ready: { status: 'warn', output: 'Redis cannot be used: ECONNREFUSED 10.0.0.7:6379' },
  started: { status: 'fail', output: 'Redis has not been reached yet' },
  checks: { 'eventLoop:lag': [check], 'redis:writable': [{ ...check, observedValue: false, status: 'fail' }] },
}
const source = { health: () => health }

test('pass and warn are 200, fail is 503, and nobody keeps the answer', () => {
  expect(['live', 'ready', 'startup'].map((probe) => healthResponse(source, probe as 'live').status)).toEqual([200, 200, 503])
  expect(healthResponse(source, 'ready').headers).toEqual({ 'content-type': 'application/health+json', 'cache-control': 'no-store' })
})

test('outside nothing is told but the status', () => {
  expect(['live', 'ready', 'startup'].map((probe) => healthResponse(source, probe as 'live').body)).toEqual([
    '{"status":"pass"}',
    '{"status":"warn"}',
    '{"status":"fail"}',
  ])
})

test('with details the reasons and checks are told; of liveness only what it looks at', () => {
  const body = (probe: 'live' | 'ready') => JSON.parse(healthResponse(source, probe, { details: true }).body) as unknown
  expect(body('ready')).toEqual({ ...health.ready, checks: health.checks })
  expect(body('live')).toEqual({ status: 'pass', checks: { 'eventLoop:lag': [check] } })
})
