import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  challengeHeader,
  createSipStack,
  header,
  parseCredentials,
  type IncomingRequest,
} from '@maskline/sip'
import { renderLadder } from '../ladder/ladder.ts'
import { createSoftphone } from './softphone.ts'
import type { Softphone, SoftphoneOptions } from './types.ts'

const ALICE = '+8613800000021'
const BOB = '+8613800000022'
const ALICE_HZ = 440
const BOB_HZ = 1_000

async function phone(t: TestContext, options: SoftphoneOptions): Promise<Softphone> {
  const made = await createSoftphone(options)
  t.after(() => made.close())
  return made
}

async function pair(t: TestContext, options: Partial<SoftphoneOptions> = {}, bobOptions = options) {
  const alice = await phone(t, { user: ALICE, toneHz: ALICE_HZ, ...options })
  const bob = await phone(t, { user: BOB, toneHz: BOB_HZ, ...bobOptions })
  return { alice, bob }
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`two phones talk over ${transport} and each hears the other's tone`, async (t) => {
    const { alice, bob } = await pair(t, { transport })
    const call = await alice.call(bob.uri)
    const incoming = await bob.incoming()
    await call.ringing()
    assert.equal(call.state.kind, 'ringing')
    await incoming.answer()
    await call.answered()

    for (const [side, other, own] of [
      [call, BOB_HZ, ALICE_HZ],
      [incoming, ALICE_HZ, BOB_HZ],
    ] as const) {
      await side.hears(0.3)
      const [loud = 0, faint = 0] = side.heard([other, own])
      assert.ok(loud > 0.1 && loud > 10 * faint, `${other} Hz ${loud} against ${own} Hz ${faint}`)
    }
    await call.sendDigits('4#')
    incoming.hangup()
    assert.deepEqual(await call.ended(), { by: 'peer', status: 200, reason: 'BYE' })
    assert.deepEqual(await incoming.ended(), { by: 'self', status: 200, reason: 'BYE' })
    assert.equal(incoming.digitsHeard(), '4#')
  })
}

test('rings only when told, and may be heard before it answers', async (t) => {
  const { alice, bob } = await pair(t, { ringsWhenTold: true })
  const call = await alice.call(bob.uri)
  const incoming = await bob.incoming()
  assert.equal(incoming.state.kind, 'calling')
  await incoming.ring()
  await call.ringing()
  assert.deepEqual(call.state, { kind: 'ringing', status: 180 })
  await incoming.ring('early-media')
  await call.hears(0.3)
  assert.deepEqual(call.state, { kind: 'ringing', status: 183 })
  assert.ok(call.heard([BOB_HZ])[0]! > 0.1)
  await incoming.answer()
  await call.answered()
  await assert.rejects(call.ring(), /rings at the other side/)

  const unrung = await alice.call(bob.uri)
  ;(await bob.incoming()).reject(480)
  assert.equal((await unrung.ended()).status, 480)
})

test('keys digits as tones and by INFO, and tells the tones it heard since a mark', async (t) => {
  const infos: string[] = []
  const { alice, bob } = await pair(t)
  const call = await alice.call(bob.uri)
  const incoming = await bob.incoming()
  await incoming.answer()
  await call.answered()
  await incoming.hears(0.2)
  const mark = incoming.mark()
  await incoming.hears((mark + 1600) / 8000)
  await call.sendDigits('1', 'in-band')
  await incoming.hears((incoming.mark() + 3200) / 8000)
  const heard = incoming.tonesHeard([697, ALICE_HZ], mark)
  assert.deepEqual(
    heard.filter(({ hz }) => hz !== 0).map(({ hz }) => hz),
    [ALICE_HZ, 697, ALICE_HZ],
    JSON.stringify(heard),
  )
  assert.ok(incoming.audio(mark).length < incoming.audio().length)
  assert.equal(incoming.digitsHeard(), '')

  await call.sendDigits('5#', 'info')
  for (const { startLine } of bob.messages()) if (startLine.startsWith('INFO')) infos.push(startLine)
  assert.equal(infos.length, 2)
  const received = bob.received().toString('latin1')
  assert.match(received, /application\/dtmf-relay[^]*Signal=5\r\nDuration=160\r\n/)
  call.hangup()
  await incoming.ended()
})

test('an answer without usable audio is acknowledged and ended', async (t) => {
  const alice = await phone(t, { user: ALICE })
  const callee = await createSipStack({
    listen: [{ address: '127.0.0.1', port: 0, transport: 'udp' }],
    handlers: {
      onInvite(call) {
        call.handlers = { onCancel() {}, onAck() {}, onBye() {}, onReinvite() {}, onLost() {} }
        call.answer({ body: Buffer.from('no SDP') })
      },
    },
  })
  t.after(() => callee.close())
  const call = await alice.call(`sip:${BOB}@127.0.0.1:${callee.addresses[0]?.port}`)
  assert.equal((await call.ended()).status, 488)
})

test('the display shows the asserted identity before From', async (t) => {
  const { alice, bob } = await pair(t, { displayName: 'Alice "A" <1>' })
  await alice.call(bob.uri)
  assert.deepEqual((await bob.incoming()).whatDisplayShows, { number: ALICE, name: 'Alice "A" <1>' })
  const asserted = ['P-Asserted-Identity', '"X" <sip:+8617000000001@masked.example>']
  await alice.call(bob.uri, { headers: asserted })
  assert.deepEqual((await bob.incoming()).whatDisplayShows, { number: '+8617000000001', name: 'X' })
})

test('a refused call ends with status and reason at both ends', async (t) => {
  const { alice, bob } = await pair(t)
  const call = await alice.call(bob.uri)
  const incoming = await bob.incoming()
  incoming.reject(603, 'Decline')
  await assert.rejects(call.answered(), /603 Decline \(by peer\)/)
  assert.deepEqual(await call.ended(), { by: 'peer', status: 603, reason: 'Decline' })
  assert.deepEqual(await incoming.ended(), { by: 'self', status: 603, reason: 'Decline' })
})

test('a caller who gives up cancels', async (t) => {
  const { alice, bob } = await pair(t)
  const call = await alice.call(bob.uri)
  const incoming = await bob.incoming()
  await call.ringing()
  call.cancel()
  assert.equal((await incoming.ended()).by, 'peer')
  const end = await call.ended()
  assert.equal(end.status, 487)
  assert.equal(end.by, 'self')
})

test('a phone on auto answer answers', async (t) => {
  const { alice, bob } = await pair(t, { autoAnswerMs: 1 })
  const call = await alice.call(bob.uri)
  await call.answered()
  call.hangup()
  assert.equal((await (await bob.incoming()).ended()).by, 'peer')
})

test('remembers every byte it received, sound included, and draws its ladder', async (t) => {
  const { alice, bob } = await pair(t)
  const call = await alice.call(bob.uri, { headers: ['Subject', 'needle-in-a-header'] })
  const incoming = await bob.incoming()
  await incoming.answer()
  await incoming.hears(0.1)
  call.hangup()
  await incoming.ended()
  const bytes = bob.received()
  assert.ok(bytes.includes('needle-in-a-header'))
  assert.ok(bytes.includes(`BYE sip:${BOB}@`))
  assert.ok(bytes.length > bytes.lastIndexOf('ACK sip:') + 800, 'RTP is kept too')
  assert.ok(!alice.received().includes('needle-in-a-header'), 'what was sent is not what was received')

  const ladder = renderLadder(bob.messages(), [
    { label: 'Alice', addresses: [`${alice.address}:${alice.port}`] },
    { label: 'Bob', addresses: [`${bob.address}:${bob.port}`] },
  ])
  const order = ['─ INVITE', '180 Ringing', '200 OK', '─ ACK', '─ BYE', '200 OK']
  let at = 0
  for (const text of order) {
    at = ladder.indexOf(text, at)
    assert.ok(at >= 0, `${text} is missing or too early:\n${ladder}`)
    at += text.length
  }
})

test('registers with its password, and takes the registration back', async (t) => {
  const seen: { expires: string; authorized: boolean; contact: string }[] = []
  const answer = (incoming: IncomingRequest): void => {
    const { request } = incoming
    const credentials = parseCredentials(header(request, 'Authorization') ?? '')
    const expires = header(request, 'Expires') ?? ''
    const contact = header(request, 'Contact') ?? ''
    seen.push({ expires, authorized: credentials !== undefined, contact })
    if (credentials === undefined) {
      const challenge = challengeHeader({ realm: 'masked.example', nonce: 'abc', algorithm: 'MD5' })
      incoming.respond(401, { headers: ['WWW-Authenticate', challenge] })
    } else if (credentials.username === ALICE) {
      incoming.respond(200, { headers: ['Contact', `${contact};expires=${expires === '0' ? 0 : 120}`] })
    } else {
      incoming.respond(403)
    }
  }
  const registrar = await createSipStack({
    listen: [{ address: '127.0.0.1', port: 0, transport: 'udp' }],
    handlers: { onInvite: (call) => call.reject(404), onRequest: answer },
  })
  t.after(() => registrar.close())
  const { port = 0 } = registrar.addresses[0] ?? {}
  const at = { address: '127.0.0.1', port, domain: 'masked.example' }
  const alice = await phone(t, { user: ALICE, password: 'pass-alice', registrar: at })
  assert.equal(await alice.register(), 120)
  await alice.unregister()
  assert.deepEqual(
    seen.map(({ expires, authorized }) => [expires, authorized]),
    [
      ['600', false],
      ['600', true],
      // The nonce is used again (RFC 7616 §3.4).
      ['0', true],
    ],
  )
  assert.ok(seen.every(({ contact }) => contact === `<${alice.uri}>`))

  const bob = await phone(t, { user: BOB, password: 'pass-bob', registrar: at })
  await assert.rejects(bob.register(), /403 Forbidden/)
  const call = await bob.call(ALICE)
  assert.equal((await call.ended()).status, 404)
})
