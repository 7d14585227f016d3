import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeG711, generateTone, writeWav } from '@maskline/media'
import {
  type App,
  type Clock,
  type E164,
  type Log,
  type Platform,
  type PlatformOptions,
  SMSC_DEFAULTS,
  type SmscConfig,
  type TrunkConfig,
  loadConfig,
  newApp,
  signHeaders,
  silentLog,
  startPlatform,
  systemClock,
} from '@maskline/server'
import { type CustomerServer, createCustomerServer } from '../customer/customer-server.ts'
import { createSoftphone } from '../softphone/softphone.ts'
import type { Softphone, SoftphoneOptions } from '../softphone/types.ts'

export type ApiAnswer = { readonly status: number; readonly body: Record<string, unknown> }

/** Everything of a masked call on loopback with temporary data: platform, customer's server, phones. */
export type Laboratory = {
  readonly platform: Platform
  readonly customer: CustomerServer
  readonly app: App
  /** Sends a signed request to the customer API. */
  api(method: string, pathAndQuery: string, body?: object): Promise<ApiAnswer>
  /** Registers a phone with a number of its own and a tone it speaks. */
  phone(number: string, toneHz: number, options?: Pick<SoftphoneOptions, 'ringsWhenTold'>): Promise<Softphone>
  /** Asks the admin API. */
  admin(pathAndQuery: string): Promise<ApiAnswer>
  close(): Promise<void>
}

export type LaboratoryOptions = {
  /** X numbers of the app, all of Shenzhen (0755). */
  readonly x: readonly string[]
  /** Trunks instead of, or beside, registered phones. */
  readonly trunks?: readonly TrunkConfig[]
  /** SMSCs; with one, X numbers and app can do SMS, and the customer's server is told of them and asked about them. */
  readonly smscs?: readonly (Pick<SmscConfig, 'hosts' | 'systemId' | 'password'> & Partial<SmscConfig>)[]
  /** Further settings, by environment variable. */
  readonly env?: Readonly<Record<string, string>>
  readonly log?: Log
  /** The platform's and the customer's; by default the machine's. */
  readonly clock?: Clock
  /** Another network for SIP than the machine's. */
  readonly openTransport?: PlatformOptions['openTransport']
  /** What the app has otherwise than the demo's, its mode before all. */
  readonly app?: Partial<App>
  /** Announcement files by name: pure tones, so that an ear can tell which it hears. */
  readonly tones?: Readonly<Record<string, { readonly hz: number; readonly seconds: number }>>
}

export async function openLaboratory(options: LaboratoryOptions): Promise<Laboratory> {
  const { clock = systemClock, smscs = [] } = options
  const dataDir = await mkdtemp(path.join(tmpdir(), 'maskline-demo-'))
  // Ctrl-C leaves no keys behind in a temporary folder.
  const clear = (): void => rmSync(dataDir, { recursive: true, force: true })
  process.once('exit', clear)
  const opened: (() => Promise<unknown>)[] = [
    async () => {
      clear()
      process.off('exit', clear)
    },
  ]
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    await writeTones(path.join(dataDir, 'announcements'), options.tones ?? {})
    const secret = randomBytes(12).toString('hex')
    const mode = options.app?.mode ?? 'AXB'
    const key = `demo-${mode.toLowerCase()}`
    const customer = await createCustomerServer({ apps: { [key]: secret }, now: clock.now })
    opened.push(() => customer.close())
    const config = loadConfig({
      MASKLINE_DATA: dataDir,
      MASKLINE_HOST_NAME: 'pn.example',
      MASKLINE_SIP_HOST: '127.0.0.1',
      MASKLINE_SIP_PORT: '0',
      MASKLINE_API_HOST: '127.0.0.1',
      MASKLINE_HTTP_PORT: '0',
      MASKLINE_HTTPS_PORT: '0',
      MASKLINE_ADMIN_PORT: '0',
      MASKLINE_AUTO_APPROVE: 'true',
      // One language: who is refused hears why in half the time.
      MASKLINE_ANNOUNCEMENT_LANGUAGE: 'en',
      MASKLINE_MEDIA_HOST: '127.0.0.1',
      // Away from the default range, which a platform that runs on this machine uses, and from the ports the system
      // gives to the phones: one inside the range would be taken for the platform's own.
      MASKLINE_RTP_PORT_MIN: '30000',
      MASKLINE_RTP_PORT_MAX: '32767',
      ...options.env,
    })
    const platform = await startPlatform(
      {
        ...config,
        sip: { ...config.sip, trunks: options.trunks ?? [] },
        sms: { ...config.sms, smscs: smscs.map(withDefaults) },
      },
      {
        log: options.log ?? silentLog,
        clock,
        ...(options.openTransport && { openTransport: options.openTransport }),
      },
    )
    opened.push(() => platform.close())
    const app = newApp({
      key,
      secret,
      tenantId: 'demo',
      mode,
      statusUrl: `${customer.url}/status`,
      cdrUrl: `${customer.url}/fee`,
      ...(smscs.length > 0 && {
        smsEnabled: true,
        smsNotifyUrl: `${customer.url}/sms`,
        smsControlUrl: `${customer.url}/sms-control`,
        smsContentInNotify: true,
      }),
      ...options.app,
    })
    await platform.storage.apps.saveApp(app)
    await platform.storage.numbers.save(
      options.x.map((number) => ({
        number: number as E164,
        appKey: app.key,
        areaCode: '0755',
        province: '广东省',
        status: 'normal',
        smsCapable: smscs.length > 0,
      })),
    )
    return {
      platform,
      customer,
      app,
      async api(method, pathAndQuery, body) {
        const nonce = randomBytes(16).toString('hex')
        const answer = await fetch(`http://127.0.0.1:${platform.api.httpPort}${pathAndQuery}`, {
          method,
          headers: signHeaders({ scheme: 'AKSK', key: app.key, secret, now: clock.now(), nonce }),
          ...(body && { body: JSON.stringify(body) }),
        })
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
      },
      async admin(pathAndQuery) {
        const token = await readFile(path.join(dataDir, 'admin.token'), 'utf8')
        const { host, port } = platform.admin!
        const answer = await fetch(`http://${host}:${port}${pathAndQuery}`, {
          headers: { authorization: `Bearer ${token.trim()}` },
        })
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
      },
      async phone(number, toneHz, how) {
        const user = number.slice('+86'.length)
        const password = randomBytes(8).toString('hex')
        await platform.storage.subscribers.save({ username: user, password })
        await platform.reloadSubscribers()
        const registrar = { address: platform.sip.host, port: platform.sip.port }
        const phone = await createSoftphone({ ...how, user, password, toneHz, registrar })
        opened.push(() => phone.close())
        await phone.register()
        return phone
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const withDefaults = (smsc: NonNullable<LaboratoryOptions['smscs']>[number], index: number): SmscConfig => ({
  ...SMSC_DEFAULTS,
  name: `smsc-${index + 1}`,
  priority: index,
  ...smsc,
})

/** A-law WAV files, as an operator puts them into the data folder. */
async function writeTones(folder: string, tones: NonNullable<LaboratoryOptions['tones']>): Promise<void> {
  const names = Object.keys(tones)
  if (names.length > 0) await mkdir(folder, { recursive: true })
  for (const name of names) {
    const { hz, seconds } = tones[name]!
    const samples = encodeG711('alaw', generateTone(hz, seconds))
    await writeFile(path.join(folder, name), writeWav({ encoding: 'alaw', samples }))
  }
}
