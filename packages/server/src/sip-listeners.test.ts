import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSipStack, createTlsSource, type ListenOptions } from '@maskline/sip'
import { makeSelfSigned } from './open-api/self-signed.ts'
import { AppError } from './shared/app-error.ts'
import { sipListenFault } from './sip-listeners.ts'

const HOST = '127.0.0.1'
const handlers = { onInvite: () => {} }

test('a SIP port that is taken is told as every port is, with the setting of its transport', async (t) => {
  const tls = await createTlsSource(async () => [await makeSelfSigned(['localhost'], Date.now())])
  const cases: readonly (readonly [ListenOptions['transport'], string, string])[] = [
    ['udp', 'UDP', 'sip.port (MASKLINE_SIP_PORT)'],
    ['tcp', 'TCP', 'sip.port (MASKLINE_SIP_PORT)'],
    ['tls', 'TLS', 'sip.tls.port (MASKLINE_SIP_TLS_PORT)'],
    ['ws', 'WebSocket', 'sip.ws.port (MASKLINE_SIP_WS_PORT)'],
    ['wss', 'secure WebSocket', 'sip.wss.port (MASKLINE_SIP_WSS_PORT)'],
  ]
  for (const [transport, name, setting] of cases) {
    const first = await createSipStack({ listen: [{ transport, address: HOST, port: 0, tls }], handlers })
    t.after(() => first.close())
    const { port } = first.addresses[0]!
    const cause: unknown = await createSipStack({
      listen: [{ transport, address: HOST, port, tls }],
      handlers,
    }).catch((error: unknown) => error)
    const fault = sipListenFault(cause)
    assert.ok(fault instanceof AppError)
    assert.deepEqual(
      [fault.code, fault.message],
      [
        'SIP_LISTEN',
        `SIP (${name}) cannot listen on ${HOST} port ${port}: another program uses it (EADDRINUSE); stop that program, or choose another port with ${setting}`,
      ],
    )
  }
  const bug = new TypeError('a bug')
  assert.equal(sipListenFault(bug), bug)
})
