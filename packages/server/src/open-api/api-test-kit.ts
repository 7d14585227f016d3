import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import type {
  AxbBindRequest,
  AxbModifyRequest,
  AxbQueryRequest,
  AxbService,
  AxbUnbindRequest,
  BindFailure,
} from '../bindings/axb-requests.ts'
import type { AxbBinding } from '../bindings/binding.ts'
import type { Config } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import { createLinkSigner } from '../recordings/links.ts'
import { systemClock, type Clock, type EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { createOpenApi, type OpenApi, type OpenApiOptions } from './server.ts'
import { signHeaders } from './signing.ts'

/** What the tests of this folder share: a listening API, its client, and a recording stand-in for the domain. */

export const AXB_PATH = '/rest/caas/relationnumber/partners/v1.0'
export const A = '+8613800000021'
export const B = '+8613800000022'
export const X = '+8617000000001'
/** An instant with a round wire form: 2026-02-12T15:30:20Z. */
export const NOW: EpochMs = Date.UTC(2026, 1, 12, 15, 30, 20)

export const API_CONFIG: Config['api'] = {
  host: '127.0.0.1',
  httpPort: 0,
  httpsPort: 0,
  shortConnections: false,
  createdSkewHours: 24,
  rejectReplayedNonce: false,
  appRatePerSec: 0,
  platformRatePerSec: 0,
  lockoutFailures: 0,
  lockoutWindowMin: 5,
  lockoutMin: 30,
}

export function anApp(changes: Partial<App> = {}): App {
  return {
    key: 'app-key-0001',
    secret: 'made-up-secret',
    tenantId: 'tenant-1',
    spId: 'sp-1',
    name: 'test app',
    mode: 'AXB',
    status: 'normal',
    accountStatus: 'active',
    recordingEnabled: true,
    smsEnabled: true,
    allowFixedLineCaller: false,
    lenientUserData: false,
    ipAllowlist: [],
    pushSignature: 'aksk',
    verifyPushCertificate: true,
    ...changes,
  }
}

/** A domain that notes what it was asked and answers what it is told. */
export type RecordingAxb = AxbService & {
  readonly binds: AxbBindRequest[]
  readonly unbinds: AxbUnbindRequest[]
  readonly modifies: AxbModifyRequest[]
  readonly queries: AxbQueryRequest[]
  refuseWith: BindFailure | undefined
  crashWith: Error | undefined
  found: readonly AxbBinding[]
}

export function recordingAxb(): RecordingAxb {
  const note = <T>(list: T[], request: T): BindFailure | undefined => {
    list.push(request)
    if (domain.crashWith !== undefined) throw domain.crashWith
    return domain.refuseWith
  }
  const domain: RecordingAxb = {
    binds: [],
    unbinds: [],
    modifies: [],
    queries: [],
    refuseWith: undefined,
    crashWith: undefined,
    found: [],
    bind: async (app, request) =>
      note(domain.binds, request) ?? { ok: true, binding: bindingOf(app.key, request) },
    unbind: async (_app, request) => note(domain.unbinds, request) ?? { ok: true },
    modify: async (_app, request) => note(domain.modifies, request) ?? { ok: true },
    query: async (_app, request) =>
      note(domain.queries, request) ?? { ok: true, bindings: domain.found, total: domain.found.length },
  }
  return domain
}

export function bindingOf(appKey: string, request: Partial<AxbBindRequest> = {}): AxbBinding {
  const { callerNum = A, calleeNum = B, relationNum = X, areaMatchMode: _mode, ...kept } = request
  return {
    mode: 'AXB',
    id: '0f1e2d3c-0000-4000-8000-000000000001',
    appKey,
    x: relationNum as E164,
    a: callerNum as E164,
    b: calleeNum as E164,
    callDirection: 0,
    durationSec: 0,
    maxDurationMin: 0,
    recordFlag: false,
    privateSms: true,
    changedAt: NOW,
    ...kept,
  }
}

/** A service that a test does not need: whatever is asked of it fails the request. */
function absent<T extends object>(name: string): T {
  const ask = () => Promise.reject(new Error(`the service ${name} has no part in this test`))
  return new Proxy({} as T, { get: () => ask })
}

/** An API over a platform that has no recording. */
export const NO_RECORDINGS: OpenApiOptions['recordings'] = {
  library: { find: async () => undefined, open: async () => undefined },
  links: createLinkSigner(new Uint8Array(64)),
  linkHours: 72,
  linkRatePerMin: 0,
}

export type Reply = {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  /** The parsed JSON of the body. */
  readonly json: Record<string, unknown>
}

export type CallOptions = {
  /** Added to the signed headers; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly query?: string
  readonly path?: string
  readonly scheme?: 'AKSK' | 'WSSE'
  readonly unsigned?: boolean
}

export type TestApi = {
  readonly api: OpenApi
  readonly port: number
  readonly httpsPort: number | undefined
  readonly axb: RecordingAxb
  /** Turns the clock that the API sees. */
  readonly hand: { now: EpochMs }
  /** The app as the store gives it; replace it to change switches. */
  app: App
  call(method: string, options?: CallOptions): Promise<Reply>
  /** Writes bytes to a new connection and gives everything that came back until it was closed. */
  raw(bytes: string | Buffer): Promise<string>
  /** Headers of a correct request as lines, for raw requests. */
  signedLines(): string
  close(): Promise<void>
}

export async function startTestApi(
  changes: Partial<Omit<OpenApiOptions, 'config'>> & { readonly config?: Partial<Config['api']> } = {},
): Promise<TestApi> {
  const axb = recordingAxb()
  const hand = { now: NOW }
  const clock: Clock = changes.clock ?? { now: () => hand.now, setTimer: systemClock.setTimer }
  const api = await createOpenApi({
    apps: { findApp: async (key) => (key === test.app.key ? test.app : undefined) },
    ax: absent('ax'),
    axb,
    axyb: absent('axyb'),
    axe: absent('axe'),
    announcementExists: (_app, name) => name.endsWith('.wav'),
    terminate: () => false,
    recordings: NO_RECORDINGS,
    ...changes,
    clock,
    config: { ...API_CONFIG, ...changes.config },
  })
  const { httpPort: port, httpsPort } = await api.listen()
  const sign = (scheme: 'AKSK' | 'WSSE' = 'AKSK') => {
    const { key, secret } = test.app
    return signHeaders({ scheme, key, secret, now: clock.now(), nonce: 'n0nce' })
  }
  const test: TestApi = {
    api,
    port,
    httpsPort,
    axb,
    hand,
    app: anApp(),
    call: (method, options = {}) => {
      const signed = options.unsigned ? {} : sign(options.scheme)
      const headers: Record<string, string> = {}
      for (const [name, value] of Object.entries({ ...signed, ...options.headers })) {
        if (value !== undefined) headers[name] = value
      }
      return exchange(port, method, (options.path ?? AXB_PATH) + (options.query ?? ''), headers, options.body)
    },
    raw: (bytes) => rawExchange(port, bytes),
    signedLines: () =>
      Object.entries(sign())
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join(''),
    close: () => api.close(),
  }
  return test
}

async function exchange(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<Reply> {
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false })
  const bytes =
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  request.end(bytes)
  const [response] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return { status: response.statusCode, headers: response.headers, text, json: JSON.parse(text || '{}') }
}

function rawExchange(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => (received += chunk.toString()))
    // A reset after the answer is a close as well.
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
  })
}
