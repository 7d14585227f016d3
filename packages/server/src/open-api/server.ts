import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import { listenFault } from '../shared/listen-fault.ts'
import { plainAddress } from '../shared/ip.ts'
import { silentLog, type Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { App, AppStore } from '../tenants/app.ts'
import { failure, invalidRequest, type Answer } from './answers.ts'
import { authenticate, createGates, type Gates } from './authenticate.ts'
import { axCalleeResource } from './ax-callee.ts'
import { axResource, type AxDependencies } from './ax.ts'
import { axbResource, type AxbDependencies } from './axb.ts'
import { axybResource, type AxybDependencies } from './axyb.ts'
import { type AxeDependencies, axeListResource, axeResource } from './axe.ts'
import { callStopResource, type CallStopDependencies } from './call-stop.ts'
import { addDocs } from './docs.ts'
import type { LockedSource } from './lockout.ts'
import { recordingResource, type RecordingDependencies } from './recording.ts'
import { addRecordingLink } from './recording-link.ts'
import type { ApiHandler, ApiMethod, Requester, Resource } from './resource.ts'

export type OpenApiOptions = AxDependencies &
  AxbDependencies &
  AxeDependencies &
  AxybDependencies &
  CallStopDependencies &
  RecordingDependencies & {
    readonly config: Config['api']
    readonly apps: AppStore
    readonly clock: Clock
    /** PEM texts; absent: no HTTPS. */
    readonly tls?: { readonly cert: string; readonly key: string }
    readonly log?: Log
  }

export type OpenApi = {
  /** Opens both ports (0 picks a free one). Fails with AppError `API_LISTEN`. */
  listen(): Promise<{ readonly httpPort: number; readonly httpsPort: number | undefined }>
  /** Stops accepting, lets running requests finish for `graceMs` (default 5000), then cuts. */
  close(graceMs?: number): Promise<void>
  /** Sources locked out after failed authentication, and their early release by an operator. */
  readonly lockout: { locked(): readonly LockedSource[]; release(ip: string): boolean }
}

/** Largest request body, bytes: the longest documented one stays under 4 kB. */
const BODY_LIMIT = 65_536
const CONTENT_TYPE = 'application/json;charset=utf-8'
const METHODS: readonly ApiMethod[] = ['GET', 'POST', 'PUT', 'DELETE']

/** The customer-facing REST edge over HTTP and HTTPS: one Fastify application behind two listeners. */
export async function createOpenApi(options: OpenApiOptions): Promise<OpenApi> {
  const { config, clock, tls, log = silentLog } = options
  const resources: readonly Resource[] = [
    axResource(options),
    axCalleeResource(options),
    axbResource(options),
    axybResource(options),
    axeResource(options),
    axeListResource(options),
    callStopResource(options),
    recordingResource(options),
  ]
  const gates = createGates(config)
  let closing = false

  const fastify = Fastify({
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    frameworkErrors: (_error, _request, reply) => void send(reply, invalidRequest(404, 'URI')),
  })
  acceptAnyBody(fastify)
  for (const resource of resources) addResource(fastify, resource, { ...options, log, gates })
  addRecordingLink(fastify, { ...options, send })
  addDocs(fastify, resources)
  answerUnknown(fastify, resources, log)
  await fastify.ready()

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    // What a client calls its body does not matter: it is read as JSON or ignored (client-habits 5).
    request.headers['content-type'] = 'application/json'
    if (closing || config.shortConnections || !asksToKeep(request)) response.shouldKeepAlive = false
    fastify.routing(request, response)
  }
  const http = createHttpServer(SERVER_OPTIONS, handle)
  const https = tls && createHttpsServer({ ...SERVER_OPTIONS, cert: tls.cert, key: tls.key }, handle)
  const servers = https === undefined ? [http] : [http, https]
  for (const server of servers) answerBrokenHttp(server, handle)

  return {
    async listen() {
      const httpPort = await listenOn(http, 'HTTP', config.host, config.httpPort)
      try {
        const httpsPort = https && (await listenOn(https, 'HTTPS', config.host, config.httpsPort))
        return { httpPort, httpsPort }
      } catch (error) {
        await closeServer(http)
        throw error
      }
    },
    async close(graceMs = 5000) {
      closing = true
      const cut = clock.setTimer(graceMs, () => {
        for (const server of servers) server.closeAllConnections()
      })
      await Promise.all(servers.map(closeServer))
      cut.cancel()
      await fastify.close()
    },
    lockout: {
      locked: () => gates.lockout.locked(clock.now()),
      release: (ip) => gates.lockout.release(ip, clock.now()),
    },
  }
}

/**
 * Whether the client asked in so many words to keep the connection. HTTP/1.1 would keep it without a word, but the
 * original service closes first, and programs written for it may wait for that (docs/adr/0005-api-connections.md).
 */
function asksToKeep({ headers: { connection } }: IncomingMessage): boolean {
  return connection !== undefined && /\bkeep-alive\b/i.test(connection)
}

/** Time-outs in ms. A request without Host (HTTP/1.0, hand-made clients) is served, not refused by Node. */
const SERVER_OPTIONS = {
  requireHostHeader: false,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  noDelay: true,
}

/** The app that a request's headers proved, and where it came from; set before its handler runs. */
const CALLER = Symbol('caller')
type AuthenticatedRequest = FastifyRequest & { [CALLER]?: { readonly app: App; readonly from: Requester } }

type RouteContext = Pick<OpenApiOptions, 'apps' | 'clock' | 'config'> & {
  readonly log: Log
  readonly gates: Gates
}

/**
 * Authentication stands before the body is read: a stranger's bytes are not buffered. Neither hook nor handler
 * returns the reply: Fastify would await it with listeners on every response, and sees by itself that it was sent.
 */
function addResource(
  fastify: FastifyInstance,
  { path, mode, barred, handlers }: Resource,
  { apps, clock, config, log, gates }: RouteContext,
): void {
  const onRequest = async (request: AuthenticatedRequest, reply: FastifyReply): Promise<void> => {
    const { raw } = request
    const ip = plainAddress(raw.socket.remoteAddress)
    const now = clock.now()
    const verdict = await authenticate({ headers: raw.headers, ip, now, mode, barred }, apps, gates)
    if (verdict.ok) {
      request[CALLER] = { app: verdict.app, from: { ip, now, baseUrl: baseUrlOf(raw, config) } }
      return
    }
    if (verdict.locked) log.warn({ ip }, 'API source locked out after failed authentications')
    send(reply, failure(verdict.fault))
  }
  for (const method of METHODS) {
    const handler = handlers[method]
    if (handler === undefined) continue
    fastify.route({ method, url: path, onRequest, handler: routeHandler(handler) })
  }
}

function routeHandler(handler: ApiHandler) {
  return (request: AuthenticatedRequest, reply: FastifyReply): void => {
    const caller = request[CALLER]
    if (caller === undefined) throw new Error('a request came to its handler without authentication')
    const query = firstValues(request.query as Record<string, string | string[]>)
    handler({ ...caller, query, body: request.body as Buffer | undefined }).then(
      (answer) => send(reply, answer),
      (error: unknown) => reply.send(error),
    )
  }
}

function firstValues(query: Record<string, string | string[]>): Record<string, string | undefined> {
  for (const name in query) {
    const value = query[name]
    if (Array.isArray(value)) query[name] = value[0] ?? ''
  }
  return query as Record<string, string>
}

/** Host and port of a URL, with no room for anything else. */
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** The platform's address as the client reached it, unless configured; the client alone is told what it wrote. */
function baseUrlOf({ headers: { host }, socket }: IncomingMessage, { publicUrl }: Config['api']): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  if (host !== undefined && HOST.test(host)) return `${scheme}://${host}`
  const address = plainAddress(socket.localAddress)
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${socket.localPort}`
}

/** Bodies arrive as raw bytes; resources that want JSON parse it themselves. */
function acceptAnyBody(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** Whatever is not an answer of a resource is JSON all the same (client-habits 12 and 19). */
function answerUnknown(fastify: FastifyInstance, resources: readonly Resource[], log: Log): void {
  const methodsOf = new Map(resources.map(({ path, handlers }) => [path, Object.keys(handlers).join(', ')]))
  fastify.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf.get(pathOf(request.url))
    if (allowed === undefined) return send(reply, invalidRequest(404, 'URI'))
    reply.header('allow', allowed)
    return send(reply, invalidRequest(405, 'method'))
  })
  fastify.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 400 && status < 500) return send(reply, invalidRequest(status, 'body'))
    log.error({ err: error }, 'API request failed')
    return send(reply, failure('500 1010001'))
  })
}

function pathOf(url: string): string {
  const end = url.indexOf('?')
  const path = (end === -1 ? url : url.slice(0, end)).replace(/\/{2,}/g, '/')
  return path.endsWith('/') ? path.slice(0, -1) : path
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.headers !== undefined) reply.headers(answer.headers)
  return reply.code(answer.status).header('content-type', CONTENT_TYPE).send(answer.body)
}

/** Bytes that are no HTTP get an HTTP answer with a JSON body, then the connection closes. */
function answerBrokenHttp(
  server: Server,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  // `Expect: 100-continue` is Node's own; any other expectation is ignored instead of a bare 417.
  server.on('checkExpectation', handle)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const running = (socket as SocketWithAnswer)._httpMessage
    if (running) {
      // The bytes after a request are broken (a body without a length): that request still gets its own answer.
      running.shouldKeepAlive = false
      return
    }
    endWithFault(socket, BROKEN_HTTP[error.code ?? ''] ?? MALFORMED)
  })
  // Not a proxy: without a listener Node would drop the connection without a word.
  server.on('connect', (_request, socket: Socket) => endWithFault(socket, NO_PROXY))
}

type HttpFault = { readonly status: number; readonly reason: string; readonly what: string }

function endWithFault(socket: Socket, { status, reason, what }: HttpFault): void {
  const { body } = invalidRequest(status, what)
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: ${CONTENT_TYPE}\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** The answer under way on a connection; Node's own handler of `clientError` looks at this member too. */
type SocketWithAnswer = Socket & { readonly _httpMessage?: ServerResponse | null }

const NO_PROXY: HttpFault = { status: 405, reason: 'Method Not Allowed', what: 'method' }
const MALFORMED: HttpFault = { status: 400, reason: 'Bad Request', what: 'HTTP message' }
const BROKEN_HTTP: Readonly<Record<string, HttpFault>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'Request Header Fields Too Large', what: 'HTTP header' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: 'Payload Too Large', what: 'body' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'Request Timeout', what: 'HTTP message' },
}

function listenOn(server: Server, protocol: 'HTTP' | 'HTTPS', host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const place = {
        who: `the API (${protocol})`,
        address: host,
        port,
        addressSetting: 'api.host (MASKLINE_API_HOST)',
        portSetting: `api.${protocol.toLowerCase()}Port (MASKLINE_${protocol}_PORT)`,
      }
      reject(listenFault('API_LISTEN', place, error))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    server.close(() => resolve())
  })
}
