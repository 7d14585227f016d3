import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { challengeHeader, parseCredentials } from '../auth/digest.ts'
import type { DigestAlgorithm } from '../auth/digest.ts'
import type { SipResponse } from '../message/message.ts'
import { ChallengeAnswerer } from './credentials.ts'

const INVITE = { method: 'INVITE', uri: 'sip:+8613800000021@carrier.example' }

type Challenge = { realm?: string; nonce: string; algorithm?: DigestAlgorithm; stale?: boolean }

const refusal = (...challenges: readonly Challenge[]): SipResponse => ({
  kind: 'response',
  status: 407,
  reason: 'Proxy Authentication Required',
  headers: challenges.flatMap((one) => [
    'Proxy-Authenticate',
    challengeHeader({ realm: 'carrier.example', algorithm: 'MD5', qop: 'auth', ...one }),
  ]),
  body: new Uint8Array(),
})

describe('answers to challenges', () => {
  const answerer = () => new ChallengeAnswerer({ username: 'trunk', password: 'secret' })

  it('take the strongest algorithm of a realm, wherever it stands, and one of each realm', () => {
    const headers = answerer().answer(
      refusal(
        { nonce: 'n1' },
        { nonce: 'n2', algorithm: 'SHA-256' },
        { nonce: 'n3', algorithm: 'SHA-256' },
        { nonce: 'n4', realm: 'edge.example' },
      ),
      INVITE,
      new Set(),
    )!
    const given = [headers[1]!, headers[3]!].map((value) => parseCredentials(value)!)
    assert.equal(headers.length, 4)
    assert.deepEqual(
      given.map(({ realm, nonce, algorithm }) => [realm, nonce, algorithm]),
      [
        ['carrier.example', 'n2', 'SHA-256'],
        ['edge.example', 'n4', 'MD5'],
      ],
    )
  })

  it('do not send a refused password again, whatever the nonce', () => {
    const tried = new Set<string>()
    const to = answerer()
    assert.ok(to.answer(refusal({ nonce: 'n1' }), INVITE, tried))
    assert.equal(to.answer(refusal({ nonce: 'n2' }), INVITE, tried), undefined)
  })

  it('renew a stale nonce once a request', () => {
    const tried = new Set<string>()
    const to = answerer()
    assert.ok(to.answer(refusal({ nonce: 'n1' }), INVITE, tried))
    const renewed = to.answer(refusal({ nonce: 'n2', stale: true }), INVITE, tried)!
    assert.equal(parseCredentials(renewed[1]!)!.nonce, 'n2')
    assert.equal(to.answer(refusal({ nonce: 'n3', stale: true }), INVITE, tried), undefined)
  })

  it('count the uses of a nonce over requests', () => {
    const to = answerer()
    const counts = [1, 2].map(() => to.answer(refusal({ nonce: 'n1' }), INVITE, new Set())!)
    assert.deepEqual(
      counts.map((headers) => parseCredentials(headers[1]!)!.nc),
      ['00000001', '00000002'],
    )
  })

  it('end where a server has a new realm for every answer', () => {
    const tried = new Set<string>()
    const to = answerer()
    let answers = 0
    while (to.answer(refusal({ nonce: `n${answers}`, realm: `r${answers}` }), INVITE, tried)) answers++
    assert.equal(answers, 8)
  })
})
