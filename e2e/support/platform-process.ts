import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type App,
  type E164,
  type TrunkConfig,
  loadConfig,
  newApp,
  signHeaders,
  silentLog,
  startPlatform,
} from '@maskline/server'
import { type PeerProcess, startPeer } from './peer-process.ts'
import { freePorts } from './ports.ts'
import { waitFor } from './wait.ts'

export const MAIN = join(import.meta.dirname, '../../packages/server/src/cli/main.ts')

/** The ports of a platform that is started more than once; all on 127.0.0.1. */
export type PlatformPorts = { readonly sip: number; readonly http: number; readonly https: number }

/** `maskline serve` as an operator runs it: a process of its own. */
export type PlatformProcess = {
  readonly peer: PeerProcess
  readonly ports: PlatformPorts
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>
}

export async function pickPorts(): Promise<PlatformPorts> {
  const host = '127.0.0.1'
  return { sip: await freePorts(host), http: await freePorts(host), https: await freePorts(host) }
}

/** The environment of a `serve` that uses nothing but loopback, these ports and this folder. */
export function serveEnv(
  dataDir: string,
  ports: PlatformPorts,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    ...(process.env as Record<string, string>),
    MASKLINE_DATA: dataDir,
    MASKLINE_HOST_NAME: 'pn.example',
    MASKLINE_SIP_HOST: '127.0.0.1',
    MASKLINE_SIP_PORT: `${ports.sip}`,
    MASKLINE_API_HOST: '127.0.0.1',
    MASKLINE_HTTP_PORT: `${ports.http}`,
    MASKLINE_HTTPS_PORT: `${ports.https}`,
    MASKLINE_ADMIN_PORT: '0',
    MASKLINE_MEDIA_HOST: '127.0.0.1',
    ...more,
  }
}

/** Starts `maskline serve` and resolves when it says that it runs; rejects with what it said when it ends instead. */
export async function startServe(
  dataDir: string,
  ports: PlatformPorts,
  options: {
    readonly trunks?: readonly TrunkConfig[]
    /** What else stands in the file. */
    readonly config?: object
    readonly env?: Readonly<Record<string, string>>
  } = {},
): Promise<PlatformProcess> {
  // Read by default from beside the data.
  const config = { sip: { trunks: options.trunks ?? [] }, ...options.config }
  writeFileSync(join(dataDir, 'maskline.json'), JSON.stringify(config))
  const peer = await startPeer({
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', MAIN, 'serve'],
    env: serveEnv(dataDir, ports, options.env),
  })
  try {
    await waitFor(
      () => {
        if (peer.ended() !== undefined) throw new Error(`maskline ended at its start:\n${peer.output()}`)
        return peer.output().includes('Ctrl-C stops it')
      },
      { what: 'maskline to run', detail: peer.output, timeoutMs: 30_000 },
    )
  } catch (error) {
    await peer.stop('SIGKILL')
    throw error
  }
  return {
    peer,
    ports,
    async kill() {
      await peer.stop('SIGKILL')
    },
    stop: async () => (await peer.stop('SIGTERM', 15_000)).code,
  }
}

/** Puts an app and its X numbers into a data folder that no platform runs on. */
export async function seed(dataDir: string, app: App, xNumbers: readonly string[]): Promise<void> {
  const config = loadConfig(serveEnv(dataDir, { sip: 0, http: 0, https: 0 }))
  const platform = await startPlatform(config, { log: silentLog })
  try {
    await platform.storage.apps.saveApp(app)
    await platform.storage.numbers.save(
      xNumbers.map((number) => ({
        number: number as E164,
        appKey: app.key,
        areaCode: '0755',
        province: '广东省',
        status: 'normal',
        smsCapable: true,
      })),
    )
  } finally {
    await platform.close()
  }
}

/** An AXB app with all that calls need, pushing to `customerUrl`. */
export function axbApp(secret: string, customerUrl: string, more: Partial<App> = {}): App {
  return newApp({
    key: 'axb-app',
    secret,
    tenantId: 'tenant',
    mode: 'AXB',
    statusUrl: `${customerUrl}/status`,
    cdrUrl: `${customerUrl}/fee`,
    ...more,
  })
}

/** Sends a signed request to the API of a platform on this machine; answers the parsed body. */
export async function callApi(
  httpPort: number,
  app: Pick<App, 'key' | 'secret'>,
  method: string,
  pathAndQuery: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const nonce = randomBytes(16).toString('hex')
  const answer = await fetch(`http://127.0.0.1:${httpPort}${pathAndQuery}`, {
    method,
    headers: signHeaders({ scheme: 'AKSK', key: app.key, secret: app.secret, now: Date.now(), nonce }),
    ...(body && { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as Record<string, unknown>
}
