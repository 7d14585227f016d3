import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { joinParts, splitText } from '@maskline/smpp'
import { createAsker } from '../notifications/ask.ts'
import { createReceiver } from '../notifications/delivery-test-kit.ts'
import { silentLog } from '../shared/log.ts'
import type { E164 } from '../shared/e164.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import type { App, Mode } from '../tenants/app.ts'
import { manualClock } from '../testkit/manual-clock.ts'
import type { OutgoingPart, SmsCarrier, SubmitOutcome } from './carrier.ts'
import { createRelay, type RelayOptions, type SmsRelay } from './relay.ts'
import { createFilters } from './rules/content-filter.ts'
import { DEFAULT_EVENT } from './rules/sms-push.ts'
import { createWordSearch } from './rules/word-search.ts'
import { A, axBinding, axbBinding, smsApp, smsX, X } from './sms-test-kit.ts'

/** 2024-01-24 09:06:16.450 UTC, as in the example of spec/sms.md. */
export const T0 = Date.UTC(2024, 0, 24, 9, 6, 16, 450)

/** The other side of the port: a network that takes what it is given, as the test says. */
export type TestCarrier = SmsCarrier & {
  readonly submitted: OutgoingPart[]
  /** Default: every part is accepted, under the id `id-` and its own. */
  react: (part: OutgoingPart, nth: number) => SubmitOutcome | Promise<SubmitOutcome>
}

export function createTestCarrier(name = 'smsc-1', takes: SmsCarrier['takes'] = 'parts'): TestCarrier {
  const carrier: TestCarrier = {
    name,
    takes,
    submitted: [],
    react: ({ id }) => ({ state: 'accepted', messageId: `id-${id}` }),
    async submit(part) {
      carrier.submitted.push(part)
      return carrier.react(part, carrier.submitted.length)
    },
    close: () => Promise.resolve(),
  }
  return carrier
}

/** What a customer reads in a push. */
export type SmsEvent = {
  readonly smsIdentifier: string
  readonly notificationMode: string
  readonly calling: string
  readonly called?: string
  readonly sendResult?: number
  readonly smsContent?: string
  readonly userData?: string
  readonly extInfo: { readonly extParas: readonly { readonly key: string; readonly value: string }[] }
}

export const POLICY: RelayOptions['policy'] = {
  event: DEFAULT_EVENT,
  countRule: 'wire',
  countryCodes: ['86'],
  countryCode: '86',
  askTimeoutMs: 5_000,
  retryForMs: 600_000,
  gatherMs: 60_000,
  repeatMs: 300_000,
  maxSending: 100,
}

export const relayOver = (
  storage: Storage,
  options: Pick<RelayOptions, 'clock' | 'customers'> &
    Partial<RelayOptions> & { carriers: RelayOptions['carriers'] },
): SmsRelay =>
  createRelay({
    store: storage.sms,
    routes: storage.routes,
    text: { splitText, joinParts },
    filterOf: createFilters(createWordSearch([])),
    log: silentLog,
    policy: POLICY,
    ...options,
  })

/** The app of the tests, its X, and what is bound on it: A with B in AXB, A in AX. */
export async function seed(storage: Storage, mode: Mode, app: Partial<App>): Promise<void> {
  await storage.apps.saveApp(smsApp({ mode, ...app }))
  await storage.numbers.save([smsX()])
  if (mode === 'AX') await storage.bindings.insert(axBinding(), { capacity: 1 }, T0)
  if (mode === 'AXB') await storage.bindings.insert(axbBinding(), { capacity: 1 }, T0)
}

/** A relay over a database on disk, a customer's HTTP server, and networks in this process. */
export async function openRelayKit(
  t: TestContext,
  mode: Mode,
  given: {
    readonly app?: Partial<App>
    readonly carriers?: readonly TestCarrier[]
    readonly policy?: Partial<RelayOptions['policy']>
  } = {},
) {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'maskline-sms-'))
  const hands = manualClock(T0)
  const { clock } = hands
  const customer = await createReceiver(clock)
  const carriers = given.carriers ?? [createTestCarrier()]
  const app = { smsNotifyUrl: `${customer.url}/notify`, smsControlUrl: `${customer.url}/ask`, ...given.app }

  let told = (): void => {}
  const open = async () => {
    const storage = await openStorage({ dataDir, clock, groupCommitMs: 0 })
    const asker = createAsker(clock)
    const relay = relayOver(storage, {
      clock,
      customers: asker,
      log: { ...silentLog, error: () => told() },
      carriers: { waysFrom: () => carriers },
      policy: { ...POLICY, ...given.policy },
    })
    return { storage, asker, relay }
  }
  let run = await open()
  const stop = async (): Promise<void> => {
    const closed = run.relay.close()
    run.asker.close()
    await closed
    await run.storage.close()
  }
  await seed(run.storage, mode, app)
  await run.relay.start()
  t.after(async () => {
    await stop()
    await customer.close()
    rmSync(dataDir, { recursive: true })
  })

  let reference = 0
  const kit = {
    dataDir,
    customer,
    carriers,
    /** Resolves when the relay reports the next error. */
    faulted: () => new Promise<void>((resolve) => (told = resolve)),
    carrier: carriers[0]!,
    clock,
    advance: hands.advance,
    get storage() {
      return run.storage
    },
    get relay() {
      return run.relay
    },
    /** Hands in a text as a phone sends it, and resolves when all of it is acknowledged. */
    async text(from: E164 | string, text: string, { only }: { readonly only?: number } = {}): Promise<void> {
      const { onPart } = run.relay.handlersOf('smsc-1')
      const parts = splitText(text, { reference: ++reference })
      for (const part of parts)
        if (only === undefined || part.concat?.index === only)
          await onPart({ ...part, from, to: X.slice(3), receivedAt: clock.now() })
    },
    /** The same, until nothing is left to do. */
    async relayed(from: E164 | string, text: string): Promise<void> {
      await kit.text(from, text)
      await run.relay.drain()
    },
    /** Texts of A, the usual sender. */
    fromA: (text: string) => kit.relayed(A, text),
    /** Notify pushes that wait in the outbox, in their order. */
    async notified(): Promise<readonly SmsEvent[]> {
      const items = await run.storage.outbox.due(clock.now(), 100)
      return items.map(({ body }) => (JSON.parse(body) as { smsEvent: SmsEvent }).smsEvent)
    },
    /** Stops in good order and starts again. */
    async restart(): Promise<void> {
      await stop()
      run = await open()
      await run.relay.start()
    },
    answer(actions: unknown): void {
      customer.react = () => ({ body: JSON.stringify({ actions }) })
    },
  }
  return kit
}

export const routeTo = (called: E164, more = {}) => ({
  operation: 'vNumberRoute',
  message: { called, calling: A },
  ...more,
})

export const splitNumOf = (event: SmsEvent | undefined): string | undefined =>
  event?.extInfo.extParas.find(({ key }) => key === 'splitNum')?.value
