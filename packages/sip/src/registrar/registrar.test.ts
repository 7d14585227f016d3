import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorize, parseChallenge } from '../auth/digest.ts'
import { allHeaders, header, headerValues } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { openBench } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import type { IncomingRequest } from '../core/types.ts'
import { createRegistrar } from './registrar.ts'
import type { Registrar, RegistrarOptions } from './registrar.ts'

const PASSWORDS: Record<string, string> = { alice: 'wonder', bob: 'builder' }

type Fixture = {
  bench: Bench
  registrar: Registrar
  register(headers: string[], options?: Options): SipResponse
}
type Options = { user?: string; password?: string; callId?: string; algorithm?: 'MD5' | 'SHA-256' }

async function open(options: Partial<RegistrarOptions> = {}): Promise<Fixture> {
  const holder: { registrar?: Registrar } = {}
  const bench = await openBench({
    stackHandlers: { onRequest: (request: IncomingRequest) => holder.registrar?.handle(request) },
  })
  const registrar = createRegistrar({
    realm: 'maskline.example',
    findPassword: (user) => PASSWORDS[user],
    clock: bench.clock,
    ...options,
  })
  holder.registrar = registrar
  let seq = 0
  const register = (headers: string[], given: Options = {}): SipResponse => {
    const {
      user = 'alice',
      password = PASSWORDS[user] ?? '',
      callId = 'reg-1',
      algorithm = 'SHA-256',
    } = given
    const send = (extra: string[]): SipResponse => {
      seq++
      bench.deliver(registerRequest(bench, user, seq, callId, [...headers, ...extra]))
      bench.clock.advance(1)
      const last = bench.peer.inbox.at(-1)
      assert.equal(last?.kind, 'response')
      return last
    }
    const first = send([])
    const challenges = allHeaders(first, 'WWW-Authenticate').map((text) => parseChallenge(text)!)
    const challenge = challenges.find((one) => one.algorithm === algorithm)!
    const uri = 'sip:maskline.example'
    const value = authorize(challenge, {
      username: user,
      password,
      method: 'REGISTER',
      uri,
      nc: 1,
      cnonce: 'c',
    })
    return send(['Authorization', value])
  }
  return { bench, registrar, register }
}

function registerRequest(
  bench: Bench,
  user: string,
  seq: number,
  callId: string,
  headers: string[],
): SipRequest {
  const uri = 'sip:maskline.example'
  const request = testRequest({ from: bench.peer.hop, method: 'REGISTER', uri, seq, callId })
  const kept: string[] = []
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = request.headers[i]!
    if (name === 'Contact') continue
    kept.push(name, name === 'To' ? `<sip:${user}@maskline.example>` : request.headers[i + 1]!)
  }
  return { ...request, headers: [...kept, ...headers] }
}

const PHONE = ['Contact', '<sip:alice@10.0.0.7:5070>']

describe('registrar', () => {
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    it(`registers with ${algorithm} and remembers where the phone speaks from`, async () => {
      const { bench, registrar, register } = await open()
      const ok = register([...PHONE, 'Expires', '120'], { algorithm })
      assert.equal(ok.status, 200)
      assert.equal(header(ok, 'Contact'), '<sip:alice@10.0.0.7:5070>;expires=120')
      const found = registrar.lookup('alice')
      assert.equal(found?.contact, 'sip:alice@10.0.0.7:5070')
      assert.deepEqual(found?.hop, bench.peer.hop)
      assert.equal(registrar.lookup('bob'), undefined)
    })
  }

  it('challenges with both algorithms, and again when the password or the user is wrong', async () => {
    const { registrar, register, bench } = await open()
    assert.equal(register(PHONE, { password: 'wrong' }).status, 401)
    assert.equal(register(PHONE, { user: 'mallory', password: '' }).status, 401)
    assert.equal(allHeaders(bench.peer.lastResponse(401), 'WWW-Authenticate').length, 2)
    assert.equal(registrar.lookup('alice'), undefined)
  })

  it('refuses credentials that were used before', async () => {
    const { bench, register } = await open()
    assert.equal(register(PHONE).status, 200)
    const used = bench.network.carried.findLast(
      ({ message }) => header(message, 'Authorization') !== undefined,
    )!
    const replay = registerRequest(bench, 'alice', 9, 'replay', [
      ...PHONE,
      'Authorization',
      header(used.message, 'Authorization')!,
    ])
    bench.deliver(replay)
    bench.clock.advance(1)
    const answer = bench.peer.inbox.at(-1)!
    assert.equal(answer.kind === 'response' && answer.status, 401)
  })

  it('tells a phone that only its nonce is old', async () => {
    const { bench, register } = await open({ nonceTtlMs: 1000 })
    register(PHONE)
    const used = bench.network.carried.findLast(
      ({ message }) => header(message, 'Authorization') !== undefined,
    )!
    bench.clock.advance(2000)
    const authorization = ['Authorization', header(used.message, 'Authorization')!]
    bench.deliver(registerRequest(bench, 'alice', 9, 'late', [...PHONE, ...authorization]))
    bench.clock.advance(1)
    assert.match(header(bench.peer.inbox.at(-1)!, 'WWW-Authenticate')!, /stale=true/)
  })

  it("lets nobody bind another user's address", async () => {
    const { bench, registrar } = await open()
    bench.deliver(registerRequest(bench, 'bob', 1, 'x', PHONE))
    bench.clock.advance(1)
    const challenge = parseChallenge(header(bench.peer.inbox.at(-1)!, 'WWW-Authenticate')!)!
    const uri = 'sip:maskline.example'
    const value = authorize(challenge, {
      username: 'alice',
      password: 'wonder',
      method: 'REGISTER',
      uri,
      nc: 1,
      cnonce: 'c',
    })
    bench.deliver(registerRequest(bench, 'bob', 2, 'x', [...PHONE, 'Authorization', value]))
    bench.clock.advance(1)
    assert.equal(bench.peer.lastResponse(403).status, 403)
    assert.equal(registrar.lookup('bob'), undefined)
  })

  it('forgets a phone when its time is over, and prolongs it when it registers again', async () => {
    const { bench, registrar, register } = await open()
    register([...PHONE, 'Expires', '60'])
    bench.clock.advance(59_000)
    register([...PHONE, 'Expires', '60'])
    bench.clock.advance(59_000)
    assert.equal(registrar.lookupAll('alice').length, 1)
    bench.clock.advance(2000)
    assert.equal(registrar.lookup('alice'), undefined)
    assert.deepEqual(registrar.registrations(), [])
  })

  it('refuses a short time with 423 and Min-Expires, and cuts a long one', async () => {
    const { register } = await open()
    const brief = register([...PHONE, 'Expires', '10'])
    assert.equal(brief.status, 423)
    assert.equal(header(brief, 'Min-Expires'), '60')
    const long = register(['Contact', '<sip:alice@10.0.0.7>;expires=99999'])
    assert.equal(header(long, 'Contact'), '<sip:alice@10.0.0.7>;expires=3600')
  })

  it('keeps several phones, the latest first, removes one by expires=0 and all by *', async () => {
    const { registrar, register } = await open()
    register(['Contact', '<sip:alice@10.0.0.7>'])
    register(['Contact', '<sip:alice@10.0.0.8>'], { callId: 'reg-2' })
    assert.deepEqual(
      registrar.lookupAll('alice').map(({ contact }) => contact),
      ['sip:alice@10.0.0.8', 'sip:alice@10.0.0.7'],
    )
    assert.equal(headerValues(register([]), 'Contact').length, 2)
    register(['Contact', '<sip:alice@10.0.0.8>;expires=0'])
    assert.equal(registrar.lookup('alice')?.contact, 'sip:alice@10.0.0.7')
    assert.equal(register(['Contact', '*', 'Expires', '30']).status, 400)
    assert.equal(register(['Contact', '*', 'Expires', '0']).status, 200)
    assert.equal(registrar.lookup('alice'), undefined)
  })

  it('refuses more phones than a user may have, and a Contact that cannot be read', async () => {
    const { registrar, register } = await open({ maxContacts: 1 })
    register(PHONE)
    assert.equal(register(['Contact', '<sip:alice@10.0.0.9>']).status, 403)
    assert.equal(register(['Contact', '<sip:>']).status, 400)
    assert.equal(registrar.lookupAll('alice').length, 1)
  })
})
