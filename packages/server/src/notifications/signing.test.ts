import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { T0, expectedAksk, expectedWsse, tokenByPosition } from './delivery-test-kit.ts'
import { newNonce, signingHeaders } from './signing.ts'

const app = { key: 'demoKey', secret: 'demo secret', pushSignature: 'aksk' } as const
const NONCE = '0123456789abcdef0123456789abcdef'

describe('signing of pushes', () => {
  it('[push.header.Authorization] [push.header.X-AKSK] [push.sign.order] [push.sign.aksk] [habit.20] writes the AKSK pair with fixed order and quoting and no blank after commas', () => {
    const digest = expectedAksk('demo secret', NONCE, '2026-01-24T02:30:03Z')
    assert.deepEqual(signingHeaders(app, T0, NONCE), [
      'Authorization',
      'AKSK realm="SDP",profile="UsernameToken",type="Appkey"',
      'X-AKSK',
      `UsernameToken Username="demoKey",PasswordDigest="${digest}",Nonce="${NONCE}",Created="2026-01-24T02:30:03Z"`,
    ])
  })

  it('[push.sign.wsse] [habit.20] writes the WSSE pair for old receivers', () => {
    const digest = expectedWsse('demo secret', NONCE, '2026-01-24T02:30:03Z')
    assert.deepEqual(signingHeaders({ ...app, pushSignature: 'wsse' }, T0, NONCE), [
      'Authorization',
      'WSSE realm="SDP",profile="UsernameToken",type="Appkey"',
      'X-WSSE',
      `UsernameToken Username="demoKey",PasswordDigest="${digest}",Nonce="${NONCE}",Created="2026-01-24T02:30:03Z"`,
    ])
  })

  it('[push.sign.both] [habit.20] adds a valid X-WSSE beside AKSK for receivers that read only that', () => {
    const headers = signingHeaders({ ...app, pushSignature: 'aksk+x-wsse' }, T0, NONCE)
    assert.deepEqual(
      headers.filter((_, i) => i % 2 === 0),
      ['Authorization', 'X-AKSK', 'X-WSSE'],
    )
    assert.equal(headers[1], 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"')
    const aksk = tokenByPosition(headers[3])
    const wsse = tokenByPosition(headers[5])
    assert.equal(aksk.digest, expectedAksk('demo secret', aksk.nonce, aksk.created))
    assert.equal(wsse.digest, expectedWsse('demo secret', wsse.nonce, wsse.created))
    assert.equal(wsse.username, 'demoKey')
  })

  it('[push.sign.Created] writes Created in UTC of the instant, second by second and back', () => {
    const createdAt = (at: number) => tokenByPosition(signingHeaders(app, at)[3]).created
    assert.equal(createdAt(T0), '2026-01-24T02:30:03Z')
    assert.equal(createdAt(T0 + 999), '2026-01-24T02:30:03Z')
    assert.equal(createdAt(T0 + 1_000), '2026-01-24T02:30:04Z')
    assert.equal(createdAt(T0), '2026-01-24T02:30:03Z')
  })

  it('[push.sign.Nonce] takes a new nonce of 32 lower-case hex digits every time', () => {
    const nonces = Array.from({ length: 1_000 }, newNonce)
    assert.equal(new Set(nonces).size, 1_000)
    for (const nonce of nonces) assert.match(nonce, /^[0-9a-f]{32}$/)
  })
})
