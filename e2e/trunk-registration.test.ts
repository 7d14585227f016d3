import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLaboratory } from '@maskline/lab'
import { createRegistrar, createSipStack, header } from '@maskline/sip'
import { freePorts } from './support/ports.ts'
import { AXB } from './support/trunk-lab.ts'

const CARRIER_HOST = '127.0.0.7'
const X = '+8617000000001'
const A = '+8613800000021'
const B = '+8613800000022'
const OFFER = Buffer.from(
  `v=0\r\no=- 1 1 IN IP4 ${CARRIER_HOST}\r\ns=-\r\nc=IN IP4 ${CARRIER_HOST}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n`,
)

test('a trunk registers with its carrier over real UDP, is called there, and takes it back when the platform stops', async (t) => {
  const registrar = createRegistrar({ realm: 'carrier.example', findPassword: () => 'secret' })
  const port = await freePorts(CARRIER_HOST)
  const asked: string[] = []
  const called: string[] = []
  const registered = Promise.withResolvers<void>()
  const carrier = await createSipStack({
    listen: [{ address: CARRIER_HOST, port, transport: 'udp' }],
    handlers: {
      onInvite(call) {
        called.push(call.request.uri)
        call.reject(486)
      },
      onRequest(request) {
        asked.push(`${request.request.method} ${header(request.request, 'Expires')}`)
        registrar.handle(request)
        if (registrar.lookup('maskline') !== undefined) registered.resolve()
      },
    },
  })
  t.after(() => carrier.close())
  const lab = await openLaboratory({
    x: [X],
    trunks: [
      {
        name: 'carrier',
        peer: { address: CARRIER_HOST, port, transport: 'udp' },
        allowFrom: [CARRIER_HOST],
        numberFormat: 'e164',
        username: 'maskline',
        password: 'secret',
        register: { contactUser: 'gate', expiresSec: 300 },
      },
    ],
    env: { MASKLINE_SIP_PORT: `${await freePorts('127.0.0.1')}` },
  })
  t.after(() => lab.close())
  await registered.promise
  const { host, port: sipPort } = lab.platform.sip
  const contact = registrar.lookup('maskline')!.contact
  assert.equal(contact, `sip:gate@${host}:${sipPort}`)

  await lab.api('POST', AXB, { callerNum: A, calleeNum: B, relationNum: X })
  const ended = Promise.withResolvers<number>()
  carrier.invite(
    { uri: contact, from: `<sip:${A}@carrier.example>`, to: `<sip:${X}@carrier.example>`, body: OFFER },
    {
      onProvisional() {},
      onAnswer: (call) => call.bye(),
      onFailure: (_call, status) => ended.resolve(status),
      onBye() {},
      onReinvite: (_call, request) => request.respond(488),
      onLost() {},
    },
  )
  assert.equal(await ended.promise, 486, 'the callee is busy')
  assert.deepEqual(called, [`sip:${B}@${CARRIER_HOST}:${port}`])

  await lab.close()
  assert.equal(registrar.lookup('maskline'), undefined)
  // The challenge, its answer, and the end, which brings its credentials along.
  assert.deepEqual(asked, ['REGISTER 300', 'REGISTER 300', 'REGISTER 0'])
})
