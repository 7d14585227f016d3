import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { generateTone, goertzel } from '@maskline/media'
import { requirePeer } from '../peers.ts'
import { startBaresip } from './baresip.ts'
import { createNetstringReader, encodeNetstring } from './netstring.ts'

const ALICE = '+8613800000021'
const BOB = '+8613800000022'
const ALICE_HZ = 440
const BOB_HZ = 1_000

describe('netstrings', () => {
  test('are read back however the stream is cut', () => {
    const bytes = Buffer.concat(['{"a":"ü"}', '', 'x:1,'].map(encodeNetstring))
    for (let cut = 0; cut <= bytes.length; cut++) {
      const read = createNetstringReader()
      assert.deepEqual(
        [...read(bytes.subarray(0, cut)), ...read(bytes.subarray(cut))],
        ['{"a":"ü"}', '', 'x:1,'],
      )
    }
  })

  test('refuse other bytes', () => {
    assert.throws(() => createNetstringReader()(Buffer.from('hello:')), /netstring/)
  })
})

describe('two baresips', () => {
  for (const [title, options] of [
    ['over UDP', {}],
    ['over TCP with µ-law', { transport: 'tcp', codec: 'PCMU' }],
    ['with SRTP', { media: 'srtp' }],
  ] as const) {
    test(`call each other directly ${title} and hear each other`, async (t) => {
      if (requirePeer(t, 'baresip') === undefined) return
      const alice = await startBaresip({ user: ALICE, speaks: generateTone(ALICE_HZ, 1), ...options })
      const bob = await startBaresip({ user: BOB, speaks: generateTone(BOB_HZ, 1), ...options })
      try {
        await alice.dial(bob.uri)
        const incoming = await bob.event('CALL_INCOMING')
        assert.match(incoming.peeruri ?? '', /^sip:\+8613800000021@/)
        await alice.event('CALL_RINGING')
        await bob.accept()
        await alice.event('CALL_ESTABLISHED')
        await bob.event('CALL_ESTABLISHED')

        const [atAlice, atBob] = await Promise.all([alice.hears(1.5), bob.hears(1.5)])
        assertHears(atAlice, BOB_HZ, ALICE_HZ)
        assertHears(atBob, ALICE_HZ, BOB_HZ)

        await alice.sendDigits('1#')
        assert.equal((await bob.event('CALL_DTMF_START')).param, '1')
        assert.equal((await bob.event('CALL_DTMF_START')).param, '#')

        await alice.hangup()
        await bob.event('CALL_CLOSED')
        await alice.event('CALL_CLOSED')
      } finally {
        await Promise.all([alice.close(), bob.close()])
      }
    })
  }

  test('an answering machine answers by itself, and a second call is heard anew', async (t) => {
    if (requirePeer(t, 'baresip') === undefined) return
    const alice = await startBaresip({ user: ALICE, speaks: generateTone(ALICE_HZ, 1) })
    const bob = await startBaresip({ user: BOB, speaks: generateTone(BOB_HZ, 1), autoAnswer: true })
    try {
      for (let call = 0; call < 2; call++) {
        await alice.dial(bob.uri)
        assert.equal(alice.heard().length, 0)
        await alice.event('CALL_ESTABLISHED')
        await alice.hears(0.2)
        await alice.hangup()
        await bob.event('CALL_CLOSED')
      }
    } finally {
      await Promise.all([alice.close(), bob.close()])
    }
  })

  test('a callee who hangs up while it rings is a closed call with its reason', async (t) => {
    if (requirePeer(t, 'baresip') === undefined) return
    const alice = await startBaresip({ user: ALICE, speaks: generateTone(ALICE_HZ, 1) })
    const bob = await startBaresip({ user: BOB, speaks: generateTone(BOB_HZ, 1) })
    try {
      await alice.dial(bob.uri)
      await bob.event('CALL_INCOMING')
      await bob.hangup()
      assert.match((await alice.event('CALL_CLOSED')).param ?? '', /^486/)
    } finally {
      await Promise.all([alice.close(), bob.close()])
    }
  })

  test('a registered phone says so, answers the challenge, and takes its registration back at the end', async (t) => {
    if (requirePeer(t, 'baresip') === undefined) return
    const registrar = await startTinyRegistrar()
    const { port } = registrar.socket.address()
    try {
      const phone = await startBaresip({
        user: ALICE,
        speaks: generateTone(ALICE_HZ, 1),
        registrar: { address: '127.0.0.1', port, domain: 'masked.example', password: 'pass-alice' },
      })
      try {
        await phone.registered()
      } finally {
        await phone.close()
      }
      const accepted = registrar.requests.filter((request) => /^Authorization: Digest/m.test(request))
      assert.match(accepted[0] ?? '', /^REGISTER sip:masked\.example.*username="\+8613800000021".*/s)
      assert.match(accepted.at(-1) ?? '', /expires=0|^Expires: 0/m)
    } finally {
      registrar.socket.close()
    }
  })

  test('a start that fails says what baresip said', async (t) => {
    if (requirePeer(t, 'baresip') === undefined) return
    const first = await startBaresip({ user: ALICE, speaks: generateTone(ALICE_HZ, 1) })
    try {
      await assert.rejects(
        startBaresip({ user: BOB, port: first.port, speaks: generateTone(BOB_HZ, 1) }),
        /baresip/,
      )
    } finally {
      await first.close()
    }
  })
})

/** Challenges once (RFC 3261 §22) and accepts any answer. */
async function startTinyRegistrar() {
  const requests: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (bytes, peer) => {
    const request = bytes.toString('latin1')
    requests.push(request)
    const header = (name: string): string =>
      new RegExp(`^${name}: .*$`, 'm').exec(request)?.[0].trimEnd() ?? ''
    const lines = /^Authorization:/m.test(request)
      ? ['SIP/2.0 200 OK', header('Contact')]
      : [
          'SIP/2.0 401 Unauthorized',
          'WWW-Authenticate: Digest realm="masked.example", nonce="abc", qop="auth"',
        ]
    lines.push(header('Via'), header('From'), `${header('To')};tag=r`, header('Call-ID'), header('CSeq'))
    socket.send(`${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, peer.port, peer.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { socket, requests }
}

/** The other one's tone is at least ten times as loud as the own one. */
function assertHears(samples: Int16Array, other: number, own: number): void {
  const loud = goertzel(samples, other)
  const faint = goertzel(samples, own)
  assert.ok(loud > 0.05, `${other} Hz is heard at ${loud} of full scale`)
  assert.ok(loud > 10 * faint, `${other} Hz ${loud} against ${own} Hz ${faint}`)
}
