import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLaboratory } from '@maskline/lab'
import { createRegistrar, createSipStack, header } from '@maskline/sip'
import { freePorts } from './support/ports.ts'

const CARRIER_HOST = '127.0.0.7'
const X = '+8617000000001'

test('a trunk registers with its carrier over real UDP, and takes it back when the platform stops', async (t) => {
  const registrar = createRegistrar({ realm: 'carrier.example', findPassword: () => 'secret' })
  const port = await freePorts(CARRIER_HOST)
  const asked: string[] = []
  const registered = Promise.withResolvers<void>()
  const carrier = await createSipStack({
    listen: [{ address: CARRIER_HOST, port, transport: 'udp' }],
    handlers: {
      onInvite: (call) => call.rejectStateless(403),
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
  assert.equal(registrar.lookup('maskline')?.contact, `sip:gate@${host}:${sipPort}`)
  await lab.close()
  assert.equal(registrar.lookup('maskline'), undefined)
  // The challenge, its answer, and the end, which brings its credentials along.
  assert.deepEqual(asked, ['REGISTER 300', 'REGISTER 300', 'REGISTER 0'])
})
