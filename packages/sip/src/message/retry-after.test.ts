import assert from 'node:assert/strict'
import { test } from 'node:test'
import { response } from './build.ts'
import { testRequest } from '../testkit/requests.ts'
import { retryAfterMs } from './retry-after.ts'

const from = { address: '192.0.2.1', port: 5060, transport: 'udp' } as const

for (const [value, ms] of [
  ['5', 5_000],
  ['0', 0],
  [' 18 (in a meeting)', 18_000],
  ['120;duration=60', 120_000],
  ['Fri, 1 Jan 2027 00:00:00 GMT', undefined],
  ['1.5', undefined],
  ['9999999999', undefined],
  ['-1', undefined],
] as const)
  test(`RFC 3261 §20.33: Retry-After "${value}" is ${ms === undefined ? 'nothing' : `${ms} ms`}`, () => {
    const refused = response(testRequest({ from }), 503, { headers: ['Retry-After', value] })
    assert.equal(retryAfterMs(refused), ms)
  })
