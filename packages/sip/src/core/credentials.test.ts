import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { challengeHeader, parseCredentials } from '../auth/digest.ts'
import type { DigestAlgorithm } from '../auth/digest.ts'
import type { SipResponse } from '../message/message.ts'
import type { Hop } from '../transport/address.ts'
import { ChallengeMemory } from './challenge-memory.ts'
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
  const answerer = (memory = new ChallengeMemory()) =>
    new ChallengeAnswerer({ username: 'trunk', password: 'secret' }, memory)

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

  it('give a nonce’s realm the protection of the body only where nothing else is offered', () => {
    const challenge = (qop: string): SipResponse => ({
      ...refusal(),
      headers: ['Proxy-Authenticate', `Digest realm="carrier.example", nonce="n${qop.length}", qop="${qop}"`],
    })
    const given = ['auth-int,auth', 'auth-int', 'token'].map((qop) => {
      const headers = answerer().answer(challenge(qop), { ...INVITE, body: Buffer.from('v=0') }, new Set())
      return headers === undefined ? undefined : parseCredentials(headers[1]!)!.qop
    })
    assert.deepEqual(given, ['auth', 'auth-int', undefined])
  })
})

describe('credentials before a challenge', () => {
  const HOP: Hop = { address: '192.0.2.1', port: 5060, transport: 'udp' }
  const open = () => {
    const memory = new ChallengeMemory()
    /** One request: what it brings along, and what it answers to each refusal. */
    const request = (...refusals: readonly SipResponse[]) => {
      const to = new ChallengeAnswerer({ username: 'trunk', password: 'secret' }, memory)
      const tried = new Set<string>()
      const sent = [to.foresee(HOP, INVITE, tried), ...refusals.map((one) => to.answer(one, INVITE, tried))]
      return sent.map((headers) => {
        if (headers === undefined) return 'nothing'
        const { nonce, nc } = parseCredentials(headers[1]!)!
        return `${nonce} ${nc}`
      })
    }
    return { memory, request }
  }

  it('come with the last nonce of the hop and the next nonce-count (RFC 7616 §3.4)', () => {
    const { request } = open()
    assert.deepEqual(request(refusal({ nonce: 'n1' })), ['nothing', 'n1 00000001'])
    assert.deepEqual(request(), ['n1 00000002'])
    assert.deepEqual(request(refusal({ nonce: 'n2', stale: true })), ['n1 00000003', 'n2 00000001'])
    assert.deepEqual(request(), ['n2 00000002'])
  })

  it('come for every realm and to no other hop and under no other name', () => {
    const { memory, request } = open()
    request(refusal({ nonce: 'n1' }, { nonce: 'n2', realm: 'edge.example' }))
    const headers = (username: string, hop: Hop) =>
      new ChallengeAnswerer({ username, password: 'secret' }, memory).foresee(hop, INVITE, new Set())
    assert.equal(headers('trunk', HOP)!.length, 4)
    assert.equal(headers('other', HOP), undefined)
    assert.equal(headers('trunk', { ...HOP, port: 5061 }), undefined)
  })

  it('do not come again once the password was refused', () => {
    const { request } = open()
    assert.deepEqual(request(refusal({ nonce: 'n1' }), refusal({ nonce: 'n2' })), [
      'nothing',
      'n1 00000001',
      'nothing',
    ])
    assert.deepEqual(request(), ['nothing'])
  })

  it('end where a server’s nonces are good only once', () => {
    const { request } = open()
    request(refusal({ nonce: 'n0' }))
    for (const n of [1, 2, 3])
      assert.deepEqual(request(refusal({ nonce: `n${n}` })), [`n${n - 1} 00000002`, `n${n} 00000001`])
    assert.deepEqual(request(refusal({ nonce: 'n4' })), ['nothing', 'n4 00000001'])
  })

  it('are kept for a thousand places at most, and four realms of each', () => {
    const { memory, request } = open()
    const realms = Array.from({ length: 20 }, (_, n) => ({ nonce: `r${n}`, realm: `r${n}.example` }))
    for (const realm of realms) request(refusal(realm))
    const place = new ChallengeAnswerer({ username: 'trunk', password: 'secret' }, memory)
    assert.equal(place.foresee(HOP, INVITE, new Set())!.length, 2 * 4)
    for (let port = 1; port <= 3_000; port++) {
      place.foresee({ ...HOP, port }, INVITE, new Set())
      place.answer(refusal({ nonce: `n${port}` }), INVITE, new Set())
    }
    assert.equal(memory.size, 1_000)
  })
})
