import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'
import { header } from '../message/headers.ts'
import { parseMessage } from '../message/parse.ts'
import { hasOpenSsl, makeAuthority } from '../testkit/certificates.ts'
import { createSipStack } from '../ua/stack.ts'
import type { ServerCall, ServerCallHandlers, SipStack } from '../core/types.ts'
import type { ListenOptions, WebSocketOptions } from './address.ts'
import { createTlsSource } from './tls-source.ts'

const HOST = '127.0.0.1'
const skip = hasOpenSsl() || process.env.CI === 'true' ? false : 'no openssl here'

type Server = { readonly stack: SipStack; readonly url: string; readonly calls: ServerCall[] }

const handlers: ServerCallHandlers = { onAck() {}, onBye() {}, onCancel() {}, onLost() {}, onReinvite() {} }

async function serve(t: TestContext, listen: ListenOptions): Promise<Server> {
  const calls: ServerCall[] = []
  const stack = await createSipStack({
    listen: [listen],
    handlers: {
      onInvite(call) {
        calls.push(call)
        call.handlers = handlers
        call.answer()
      },
    },
  })
  t.after(() => stack.close())
  const { address, port, transport } = stack.addresses[0]!
  const host = address.includes(':') ? `[${address}]` : address
  return { stack, calls, url: `${transport}://${host}:${port}/` }
}

const plain = (t: TestContext, ws: WebSocketOptions = {}, address = HOST): Promise<Server> =>
  serve(t, { address, port: 0, transport: 'ws', ws })

async function open(t: TestContext, url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, ['sip'], options)
  t.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

async function next(socket: WebSocket): Promise<{ text: string; isBinary: boolean }> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
  return { text: data.toString('latin1'), isBinary }
}

/** As a browser's stack writes it: no address of its own, and no Content-Length (RFC 7118 §5). */
const fromBrowser = (method: string, seq: number, via = 'WS', toTag = ''): string =>
  [
    `${method} sip:b@192.0.2.2 SIP/2.0`,
    `Via: SIP/2.0/${via} df7jal23ls0d.invalid;branch=z9hG4bK-${seq}`,
    'Max-Forwards: 70',
    'From: <sip:a@a.example>;tag=a',
    `To: <sip:b@192.0.2.2>${toTag}`,
    'Call-ID: ws-1',
    `CSeq: ${seq} ${method}`,
    'Contact: <sip:a@df7jal23ls0d.invalid;transport=ws>',
    '',
    '',
  ].join('\r\n')

const parsed = (text: string) => {
  const result = parseMessage(Buffer.from(text, 'latin1'))
  assert.ok(result.ok)
  return result.message
}

describe('a WebSocket (RFC 7118)', () => {
  it('carries requests and their answers, text or binary, and says `sip` in its handshake', async (t) => {
    const { url } = await plain(t)
    const socket = await open(t, url)
    assert.equal(socket.protocol, 'sip')
    socket.send(fromBrowser('OPTIONS', 1))
    const answer = await next(socket)
    assert.match(answer.text, /^SIP\/2\.0 200 OK\r\nVia: SIP\/2\.0\/WS df7jal23ls0d\.invalid;.*received=127/)
    assert.equal(answer.isBinary, false)
    socket.send(Buffer.from(fromBrowser('OPTIONS', 2)), { binary: true })
    assert.match((await next(socket)).text, /^SIP\/2\.0 200 OK/)
  })

  it('carries our requests to a phone that has no address: a BYE goes back on its connection', async (t) => {
    const { url, calls } = await plain(t)
    const socket = await open(t, url)
    socket.send(fromBrowser('INVITE', 1))
    const answer = parsed((await next(socket)).text)
    assert.equal(answer.kind === 'response' && answer.status, 200)
    assert.match(header(answer, 'Contact')!, /^<sip:b@127\.0\.0\.1:\d+;transport=ws>$/)
    const tag = /;tag=.*/.exec(header(answer, 'To')!)![0]
    socket.send(fromBrowser('ACK', 1, 'WS', tag))
    calls[0]!.bye()
    const bye = parsed((await next(socket)).text)
    assert.equal(bye.kind === 'request' && bye.method, 'BYE')
    assert.match(header(bye, 'Via')!, /^SIP\/2\.0\/WS 127\.0\.0\.1:\d+;/)
    assert.equal(bye.kind === 'request' && bye.uri, 'sip:a@df7jal23ls0d.invalid;transport=ws')
  })

  it('answers a double CRLF with one (RFC 5626 §3.5.1), and lives through garbage', async (t) => {
    const { url } = await plain(t)
    const socket = await open(t, url)
    socket.send('\r\n\r\n')
    assert.equal((await next(socket)).text, '\r\n')
    socket.send('not SIP at all, and long enough to be a message')
    socket.send('\r\n')
    socket.send(fromBrowser('OPTIONS', 1))
    assert.match((await next(socket)).text, /^SIP\/2\.0 200 OK/)
  })

  it('works over IPv6', async (t) => {
    const { url } = await plain(t, {}, '::1')
    const socket = await open(t, url)
    socket.send(fromBrowser('OPTIONS', 1))
    assert.match((await next(socket)).text, /;received=::1/)
  })

  it('is refused without the subprotocol, at another path, from another origin', async (t) => {
    const { url } = await plain(t, { path: '/sip', origins: ['https://app.example'] })
    const origin = 'https://app.example'
    const refused = async (at: string, protocols: string[], options: ClientOptions): Promise<string> => {
      const socket = new WebSocket(at, protocols, options)
      const [error] = (await once(socket, 'error')) as [Error]
      return error.message
    }
    const sip = `${url}sip`
    assert.match(await refused(sip, [], { origin }), /400/)
    assert.match(await refused(sip, ['xmpp'], { origin }), /400/)
    assert.match(await refused(url, ['sip'], { origin }), /404/)
    assert.match(await refused(sip, ['sip'], { origin: 'https://evil.example' }), /403/)
    assert.match(await refused(sip, ['sip'], {}), /403/)
    await open(t, `${sip}?x=1`, { origin })
  })

  it('is cut when a message is larger than any may be', async (t) => {
    const { url } = await plain(t)
    const socket = await open(t, url)
    socket.on('error', () => {})
    socket.send(fromBrowser('OPTIONS', 1) + 'x'.repeat(1_000_000))
    const [code] = (await once(socket, 'close')) as [number]
    assert.equal(code, 1009)
  })

  it('plain HTTP is told to upgrade', async (t) => {
    const { stack } = await plain(t)
    const { port } = stack.addresses[0]!
    const answer = await fetch(`http://${HOST}:${port}/`)
    assert.equal(answer.status, 426)
    const raw = connect(port, HOST)
    raw.on('error', () => {})
    raw.write('garbage\r\n\r\n')
    raw.resume()
    await new Promise((resolve) => raw.on('close', resolve))
  })

  it('is secured by the certificates of TLS, and knows a peer by its own', { skip }, async (t) => {
    const authority = makeAuthority()
    const source = await createTlsSource(() => [authority.issue('IP:127.0.0.1')], { clientCert: 'optional' })
    const { url, calls } = await serve(t, { address: HOST, port: 0, transport: 'wss', tls: source })
    const { cert, key } = authority.issue('DNS:gateway.example')
    const socket = await open(t, url, { ca: authority.cert, cert, key })
    socket.send(fromBrowser('INVITE', 1, 'WSS'))
    const answer = parsed((await next(socket)).text)
    assert.match(header(answer, 'Contact')!, /;transport=ws>$/)
    assert.deepEqual(calls[0]!.source.tlsNames, ['gateway.example'])
  })
})
