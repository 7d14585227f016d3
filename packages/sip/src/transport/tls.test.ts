import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { header } from '../message/headers.ts'
import { serializeMessage } from '../message/serialize.ts'
import { hasOpenSsl, makeAuthority } from '../testkit/certificates.ts'
import { recorder } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import { createSipStack } from '../ua/stack.ts'
import type { IncomingRequest, SipStack } from '../core/types.ts'
import type { Hop } from './address.ts'
import { createTlsSource } from './tls-source.ts'
import type { TlsIdentity, TlsSource, TlsSourceOptions } from './tls-source.ts'

const HOST = '127.0.0.1'
const skip = hasOpenSsl() || process.env.CI === 'true' ? false : 'no openssl here'
const authority = skip ? undefined : makeAuthority()
const issue = (...names: string[]): TlsIdentity => authority!.issue(...names)

type Listener = { readonly stack: SipStack; readonly source: TlsSource; readonly requests: IncomingRequest[] }

/** A stack with one TLS face, which answers every MESSAGE with 200. */
async function listenOn(
  t: TestContext,
  load: () => readonly TlsIdentity[],
  options: TlsSourceOptions & { address?: string } = {},
): Promise<Listener> {
  const { address = HOST, ...tlsOptions } = options
  const source = await createTlsSource(load, tlsOptions)
  const requests: IncomingRequest[] = []
  const stack = await createSipStack({
    listen: [{ address, port: 0, transport: 'tls', tls: source }],
    handlers: {
      onInvite() {},
      onRequest(incoming) {
        requests.push(incoming)
        incoming.respond(200)
      },
    },
  })
  t.after(() => stack.close())
  return { stack, source, requests }
}

const hopTo = ({ stack }: Listener, more: Partial<Hop> = {}): Hop => ({ ...stack.addresses[0]!, ...more })

/** The final status of a MESSAGE. */
function ask({ stack }: Listener, hop: Hop, method = 'MESSAGE'): Promise<number> {
  const uri = 'sip:b@b.example'
  return new Promise((resolve) => {
    stack.request({ method, uri, hop, from: '<sip:a@a.example>', to: `<${uri}>` }, ({ status }) =>
      resolve(status),
    )
  })
}

async function tlsClient(listener: Listener, options: ConnectionOptions): Promise<TLSSocket> {
  const { port } = listener.stack.addresses[0]!
  const socket = connect({ host: HOST, port, ca: authority!.cert, servername: 'b.example', ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** A request as a peer writes it that listens at `port`, and its answer's first line. */
async function sendOver(socket: TLSSocket, via: string, seq = 1): Promise<string> {
  const request = testRequest({
    from: { address: HOST, port: 5061, transport: 'tls' },
    method: 'MESSAGE',
    uri: 'sip:b@b.example',
    seq,
    branch: `z9hG4bK-${seq}`,
  })
  const text = serializeMessage(request).toString('latin1')
  socket.write(text.replace(/Via: SIP\/2.0\/\S+ [^;]*/, `Via: ${via}`))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString('latin1').split('\r\n', 1)[0]!
}

describe('a server that we connect to over TLS', { skip }, () => {
  it('is believed when its certificate is of the domain that the hop was found for', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example')])
    const a = await listenOn(t, () => [issue('DNS:a.example')])
    assert.equal(await ask(a, hopTo(b, { serverName: 'b.example' })), 200)
    const { request, source } = b.requests[0]!
    assert.match(header(request, 'Via')!, /^SIP\/2\.0\/TLS 127\.0\.0\.1:\d+;alias;/)
    assert.equal(source.transport, 'tls')
    assert.equal(source.tlsNames, undefined)
  })

  it('is believed by a sip: URI in its certificate (RFC 5922 §7.1), and by its address when we look for that', async (t) => {
    const b = await listenOn(t, () => [issue('URI:sip:b.example', 'IP:127.0.0.1')])
    const a = await listenOn(t, () => [issue('DNS:a.example')])
    assert.equal(await ask(a, hopTo(b, { serverName: 'b.example' })), 200)
    assert.equal(await ask(a, hopTo(b)), 200)
  })

  it('is not spoken to when its certificate is of another domain, or signed by nobody we know', async (t) => {
    const stranger = makeAuthority('Stranger').issue('DNS:b.example')
    const b = await listenOn(t, () => [issue('DNS:c.example')])
    const c = await listenOn(t, () => [stranger])
    const a = await listenOn(t, () => [issue('DNS:a.example')])
    assert.equal(await ask(a, hopTo(b, { serverName: 'b.example' })), 503)
    assert.equal(await ask(a, hopTo(b)), 503)
    assert.equal(await ask(a, hopTo(c, { serverName: 'b.example' })), 503)
    assert.deepEqual([b.requests, c.requests], [[], []])
    const trusting = await listenOn(t, () => [issue('DNS:a.example')], { verifyServers: false })
    assert.equal(await ask(trusting, hopTo(c, { serverName: 'b.example' })), 200)
  })

  it('gets a connection of its own for each domain that its certificate is not of', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example', 'DNS:*.b.example'), issue('DNS:c.example')])
    const a = await listenOn(t, () => [issue('DNS:a.example')])
    for (const serverName of ['b.example', 'pstn.b.example', 'c.example', 'b.example', 'c.example'])
      assert.equal(await ask(a, hopTo(b, { serverName })), 200)
    const ports = b.requests.map(({ source }) => source.port)
    assert.equal(new Set(ports).size, 2)
    assert.deepEqual([ports[0], ports[0], ports[2]], [ports[1], ports[3], ports[4]])
  })
})

describe('a connection to a domain', { skip }, () => {
  it('carries nothing that is meant for the address alone, unless the certificate is of that too', async (t) => {
    const a = await listenOn(t, () => [issue('DNS:a.example')])
    const b = await listenOn(t, () => [issue('DNS:b.example')])
    assert.equal(await ask(a, hopTo(b, { serverName: 'b.example' })), 200)
    assert.equal(await ask(a, hopTo(b)), 503)
    assert.equal(await ask(a, hopTo(b, { serverName: 'b.example' })), 200)
    const both = await listenOn(t, () => [issue('DNS:b.example', 'IP:127.0.0.1')])
    for (const more of [{ serverName: 'b.example' }, {}, {}])
      assert.equal(await ask(a, hopTo(both, more)), 200)
    for (const { requests } of [b, both])
      assert.equal(new Set(requests.map(({ source }) => source.port)).size, 1)
  })

  it('is opened once for an address that another connection speaks for by its domain alone', async (t) => {
    const a = await listenOn(t, () => [issue('DNS:a.example')], { verifyServers: false })
    const b = await listenOn(t, () => [issue('DNS:b.example')])
    for (const more of [{ serverName: 'b.example' }, {}, {}, { serverName: 'b.example' }])
      assert.equal(await ask(a, hopTo(b, more)), 200)
    const [named, bare, ...rest] = b.requests.map(({ source }) => source.port)
    assert.notEqual(named, bare)
    assert.deepEqual(rest, [bare, named])
  })

  it('carries the requests of a dialog whose Record-Route is the address of its peer', async (t) => {
    const a = await listenOn(t, () => [issue('DNS:a.example')])
    const acknowledged = Promise.withResolvers<void>()
    const b = await createSipStack({
      listen: [
        {
          address: HOST,
          port: 0,
          transport: 'tls',
          tls: await createTlsSource(() => [issue('DNS:b.example')]),
        },
      ],
      handlers: {
        onInvite(call) {
          call.handlers = { ...recorder([], []), onAck: () => acknowledged.resolve() }
          call.answer({ headers: ['Record-Route', `<sip:${HOST}:${b.addresses[0]!.port};transport=tls;lr>`] })
        },
      },
    })
    t.after(() => b.close())
    const party = 'sip:b@b.example'
    const hop: Hop = { ...b.addresses[0]!, serverName: 'b.example' }
    a.stack.invite(
      { uri: party, from: 'sip:a@a.example', to: party, hop },
      { ...recorder([], []), onAnswer: (call) => call.ack() },
    )
    await acknowledged.promise
  })
})

describe('a peer that connects over TLS', { skip }, () => {
  it('is shown the certificate of the name that it asks for, and the first for other names and none', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example'), issue('DNS:c.example')])
    const shown = async (servername: string): Promise<string | undefined> => {
      const socket = await tlsClient(b, { servername, rejectUnauthorized: false })
      const { subjectaltname } = socket.getPeerCertificate()
      socket.destroy()
      return subjectaltname
    }
    assert.equal(await shown('c.example'), 'DNS:c.example')
    assert.equal(await shown('b.example'), 'DNS:b.example')
    assert.equal(await shown('d.example'), 'DNS:b.example')
    assert.equal(await shown(''), 'DNS:b.example')
  })

  it('is known by the names of its trusted certificate', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example')], { clientCert: 'optional' })
    const stranger = makeAuthority('Stranger').issue('DNS:carrier.example')
    const { cert, key } = issue('DNS:Carrier.example', 'URI:sip:edge.example', 'URI:sip:user@edge.example')
    for (const options of [{}, { cert: stranger.cert, key: stranger.key }, { cert, key }]) {
      const socket = await tlsClient(b, options)
      assert.equal(await sendOver(socket, 'SIP/2.0/TLS 127.0.0.1:5061'), 'SIP/2.0 200 OK')
      socket.destroy()
    }
    const names = b.requests.map(({ source }) => source.tlsNames)
    assert.deepEqual(names, [undefined, undefined, ['carrier.example', 'edge.example']])
  })

  it('is not let in without a trusted certificate when one is required', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example')], { clientCert: 'required' })
    const stranger = makeAuthority('Stranger').issue('DNS:carrier.example')
    for (const options of [{}, { cert: stranger.cert, key: stranger.key }]) {
      // In TLS 1.3 the client believes that it is in before the server has looked.
      const socket = await tlsClient(b, options)
      socket.on('error', () => {})
      socket.resume()
      await new Promise((resolve) => socket.on('close', resolve))
    }
    assert.deepEqual(b.requests, [])
    const { cert, key } = issue('DNS:carrier.example')
    const socket = await tlsClient(b, { cert, key })
    assert.equal(await sendOver(socket, 'SIP/2.0/TLS 127.0.0.1:5061'), 'SIP/2.0 200 OK')
    socket.destroy()
  })

  it('must speak TLS 1.2 or newer', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example')])
    await assert.rejects(
      tlsClient(b, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      /protocol version|EPROTO|ECONNRESET/,
    )
    const socket = await tlsClient(b, { maxVersion: 'TLSv1.2' })
    assert.equal(socket.getProtocol(), 'TLSv1.2')
    socket.destroy()
  })

  it('is hung up on when it speaks no TLS', async (t) => {
    const b = await listenOn(t, () => [issue('DNS:b.example')])
    const socket = connectTcp(b.stack.addresses[0]!.port, HOST)
    socket.on('error', () => {})
    socket.write('OPTIONS sip:b@b.example SIP/2.0\r\n\r\n')
    socket.resume()
    await new Promise((resolve) => socket.on('close', resolve))
  })
})

describe('new certificates', { skip }, () => {
  it('are shown to the next connection, and those that stand go on', async (t) => {
    let names = ['DNS:b.example']
    const b = await listenOn(t, () => [issue(...names)])
    const old = await tlsClient(b, {})
    assert.equal(old.getPeerCertificate().subjectaltname, 'DNS:b.example')
    names = ['DNS:b.example', 'DNS:new.example']
    await b.source.reload()
    for (const servername of ['new.example', ''] as const) {
      const next = await tlsClient(b, { servername, rejectUnauthorized: servername !== '' })
      assert.equal(next.getPeerCertificate().subjectaltname, 'DNS:b.example, DNS:new.example')
      next.destroy()
    }
    assert.equal(await sendOver(old, 'SIP/2.0/TLS 127.0.0.1:5061'), 'SIP/2.0 200 OK')
    old.destroy()
  })

  it('that cannot be used are refused with a sentence, and the old ones stay', async (t) => {
    const good = issue('DNS:b.example')
    let identities: readonly TlsIdentity[] = [good]
    const b = await listenOn(t, () => identities)
    identities = [{ ...good, key: issue('DNS:b.example').key }]
    await assert.rejects(b.source.reload(), /the private key belongs to another certificate/)
    identities = []
    await assert.rejects(b.source.reload(), /TLS needs a certificate/)
    const socket = await tlsClient(b, {})
    socket.destroy()
  })
})

describe('a connection with alias (RFC 5923)', { skip }, () => {
  /** A peer that connected from an ephemeral port and says that it listens at 5061 of its address. */
  const connected = async (t: TestContext, identity: TlsIdentity, via: string) => {
    const b = await listenOn(t, () => [issue('DNS:b.example')], { clientCert: 'optional' })
    const { cert, key } = identity
    const socket = await tlsClient(b, { cert, key })
    t.after(() => socket.destroy())
    assert.equal(await sendOver(socket, via), 'SIP/2.0 200 OK')
    return { b, socket }
  }
  const at5061: Hop = { address: HOST, port: 5061, transport: 'tls', serverName: 'carrier.example' }

  it('carries our requests for the domain that the peer has proved', async (t) => {
    const identity = issue('DNS:carrier.example')
    const { b, socket } = await connected(t, identity, 'SIP/2.0/TLS 127.0.0.1;alias')
    void ask(b, at5061, 'OPTIONS')
    const [request] = (await once(socket, 'data')) as [Buffer]
    assert.match(request.toString(), /^OPTIONS sip:b@b\.example SIP\/2\.0/)
  })

  it('carries nothing that is meant for another domain, nor without alias', async (t) => {
    const identity = issue('DNS:carrier.example')
    const { b } = await connected(t, identity, 'SIP/2.0/TLS 127.0.0.1:5061;alias')
    // Nobody listens there: a connection of our own fails, and the peer's is not taken instead.
    assert.equal(await ask(b, { ...at5061, serverName: 'bank.example' }), 503)
    assert.equal(await ask(b, { address: HOST, port: 5061, transport: 'tls' }), 503)
    const plain = await connected(t, identity, 'SIP/2.0/TLS 127.0.0.1:5061')
    assert.equal(await ask(plain.b, at5061), 503)
  })
})

it('TLS works over IPv6, and we show our certificate to servers that want one', { skip }, async (t) => {
  const b = await listenOn(t, () => [issue('IP:::1')], { address: '::1', clientCert: 'required' })
  const a = await listenOn(t, () => [issue('IP:::1', 'DNS:a.example')], { address: '::1' })
  assert.equal(await ask(a, hopTo(b)), 200)
  const { request, source } = b.requests[0]!
  assert.match(header(request, 'Via')!, /^SIP\/2\.0\/TLS \[::1\]:\d+;alias;.*;received=::1/)
  assert.deepEqual(source.tlsNames, ['a.example'])
})
