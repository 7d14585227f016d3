import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createEmbeddedEngine, MediaError, recoverWav, toAnnouncement } from '@maskline/media'
import {
  type OpenTransport,
  type StackHandlers,
  type StackStats,
  type TransportName,
  createRegistration,
  createSipStack,
} from '@maskline/sip'
import { announcementOperations } from './admin-api/announcements.ts'
import { appOperations } from './admin-api/apps.ts'
import { banOperations } from './admin-api/bans.ts'
import { numberOperations } from './admin-api/numbers.ts'
import { createAdminApi } from './admin-api/server.ts'
import { traceOperations } from './admin-api/sip-trace.ts'
import { smsOperations } from './admin-api/sms.ts'
import { trunkOperations } from './admin-api/trunks.ts'
import { loadAdminToken } from './admin-api/token.ts'
import { openAnnouncements } from './announcements/announcements.ts'
import { openLibrary } from './announcements/library.ts'
import { createModes } from './bindings/modes.ts'
import { startSweeper } from './bindings/sweeper.ts'
import { createCallController } from './calls/call-controller.ts'
import { createCallIds } from './calls/call-ids.ts'
import { advertisedHost } from './config/advertised.ts'
import type { Config } from './config/config.ts'
import { createAsker } from './notifications/ask.ts'
import { createDeliverer } from './notifications/deliver.ts'
import { numberStatusPush } from './notifications/number-status.ts'
import { pushesOf } from './notifications/pushes.ts'
import { loadAreas } from './numbers/area.ts'
import { loadCertificate } from './open-api/certificate.ts'
import { createOpenApi } from './open-api/server.ts'
import { readXAnswer } from './open-api/x-answer.ts'
import { createLinkSigner } from './recordings/links.ts'
import { openRecordings } from './recordings/recordings.ts'
import { createS3Store, type S3Options } from './recordings/s3-store.ts'
import { createSipGuard, welcoming } from './sip-guard.ts'
import { sipListeners, sipListenFault } from './sip-listeners.ts'
import { createSipTracer } from './sip-trace/sip-tracer.ts'
import { startSms } from './sms-service.ts'
import { AppError } from './shared/app-error.ts'
import { readSealKey } from './shared/key-file.ts'
import type { Log } from './shared/log.ts'
import { type Clock, systemClock } from './shared/time.ts'
import { lockDataDir } from './storage/data-lock.ts'
import { type Storage, openStorage, startRetention } from './storage/index.ts'
import { createPhones, createTrunkGuard } from './trunks/phones.ts'
import { startRegistrations } from './trunks/registrations.ts'
import { reportOf } from './trunks/report.ts'
import { testTrunk } from './trunks/trunk-test.ts'
import { createTrunks } from './trunks/trunks.ts'
import { watchLines } from './trunks/watch.ts'

export type Platform = {
  /** `port` is that of UDP and TCP; the others are there when they are switched on. */
  readonly sip: {
    readonly host: string
    readonly port: number
    readonly tlsPort?: number
    readonly wsPort?: number
    readonly wssPort?: number
  }
  readonly api: { readonly httpPort: number; readonly httpsPort: number | undefined }
  /** Where aggregators hand in SMS; absent without any. */
  readonly sms?: { readonly port: number }
  /** Absent when it is switched off. */
  readonly admin?: { readonly host: string; readonly port: number }
  /** For seeding and inspection by the command line, the lab and tests. */
  readonly storage: Storage
  readonly activeCalls: number
  /** What the SIP stack holds open just now. */
  sipStats(): StackStats
  /** Calls that a crash had left open and that were closed at this start. */
  readonly crashedCalls: number
  /** Takes over subscribers that were added or changed in storage. */
  reloadSubscribers(): Promise<void>
  /**
   * Reads the certificates of SIP again, for the connections to come. Rejects, and keeps the old ones, when the new cannot be used;
   * without TLS there is nothing to do.
   */
  reloadCertificates(): Promise<void>
  /** Waits until every push that is due was tried. */
  settle(): Promise<void>
  /** Stops taking calls, lets running ones end within `graceMs` (default 0), writes everything down. */
  close(graceMs?: number): Promise<void>
}

export type PlatformOptions = {
  readonly log: Log
  readonly clock?: Clock
  /** Every SIP message in and out, for traces. */
  readonly onMessage?: StackHandlers['onMessage']
  /** Another network for SIP than the machine's. */
  readonly openTransport?: OpenTransport
}

/**
 * Composition root: configuration → adapters → wiring → listening. Rejects with AppError and leaves nothing running
 * when any part cannot start.
 */
export async function startPlatform(config: Config, options: PlatformOptions): Promise<Platform> {
  const { log, clock = systemClock } = options
  const opened: (() => Promise<void> | void)[] = []
  const closeAll = async (): Promise<void> => {
    const faults: unknown[] = []
    for (const close of opened.splice(0).reverse()) {
      try {
        await close()
      } catch (fault) {
        faults.push(fault)
      }
    }
    if (faults.length > 0) throw faults[0]
  }
  try {
    makeDataDir(config.dataDir)
    const lock = lockDataDir(config.dataDir)
    opened.push(() => lock.release())
    await loadAreas()
    const storage = await openStorage({
      dataDir: config.dataDir,
      databaseUrl: config.storage.databaseUrl,
      durability: config.storage.durability,
      groupCommitMs: config.storage.groupCommitMs,
      clock,
      pushesOf,
      numberStatusPush,
      onFault: (error, waiting) =>
        log.error(
          { err: error, waiting },
          error.code === 'FACT_SET_ASIDE'
            ? 'a call fact cannot be saved and was set aside'
            : 'call facts cannot be saved; they are kept and tried again',
        ),
    })
    opened.push(() => storage.close())

    const deliverer = createDeliverer({
      outbox: storage.outbox,
      apps: storage.apps,
      clock,
      onAttempt({ items, outcome, nextTryAt }) {
        if (outcome.kind === 'delivered') return
        const fields = { app: items[0]?.appKey, rows: items.length, why: outcome.error, nextTryAt }
        if (outcome.kind === 'impossible') log.error(fields, 'push dropped: its address cannot be used')
        else log.warn(fields, nextTryAt === undefined ? 'push given up after the last try' : 'push failed')
      },
      onStorageError: (error) =>
        log.error({ err: error }, 'the outbox cannot be read or written; it is tried again'),
    })
    storage.outbox.onCommitted((items) => deliverer.enqueue(items))
    opened.push(() => deliverer.close())

    const media = await createEmbeddedEngine({
      ...config.media,
      publicHost: advertisedHost(config.media.host, config.media.publicHost),
    }).catch((cause: unknown) => {
      throw cannotBindMedia(cause)
    })
    opened.push(() => media.close())

    const recordings = openRecordings({
      folder: path.join(config.dataDir, 'recordings'),
      domain: config.recordings.domain ?? config.hostName,
      index: storage.recordings,
      store: hasStore(config.recordings.s3) ? createS3Store(config.recordings.s3) : undefined,
      recover: recoverWav,
      keepDays: config.recordings.keepDays,
      clock,
      log,
    })
    opened.push(() => recordings.close())

    const announcements = await openAnnouncements({
      store: storage.announcements,
      bindingTones: storage.bindingTones,
      apps: storage.apps,
      library: openLibrary(path.join(config.dataDir, 'announcements'), config.announcements.language, log),
      convert: toAnnouncement,
      autoApprove: config.announcements.autoApprove,
      clock,
    })
    const sipHost = advertisedHost(config.sip.host, config.sip.publicHost)
    const { guard, limits } = createSipGuard(config.sip, (address) => trunks.knows(address), log)
    const digest = {
      realm: config.hostName,
      digest: config.sip.digest,
      nonceSecret: randomBytes(32),
      clock,
      watch: guard,
    }
    const phones = await createPhones({
      ...digest,
      countryCode: config.calls.countryCode,
      subscribers: storage.subscribers,
      enabled: config.sip.registrar,
      log,
    })
    const asker = createAsker(clock)
    opened.push(() => asker.close())
    const modes = createModes({
      ...storage,
      clock,
      log,
      countryCodes: config.numbers.countryCodes.split(','),
      maxBindsPerDay: config.numbers.maxBindsPerDay,
      maxPairsPerX: config.axb.maxPairsPerX,
      defaultBindHours: config.axe.defaultBindHours,
      readAnswer: readXAnswer,
      announcementExists: announcements.exists,
    })
    const trunks = createTrunks({
      trunks: config.sip.trunks,
      phones: config.sip.registrar ? phones : undefined,
      guard: createTrunkGuard(digest),
      sipHost,
      clock,
      chance: Math.random,
      log,
    })
    const controller = createCallController({
      router: modes.router,
      journal: storage.journal,
      media,
      sip: { host: sipHost, stack: () => stack },
      trunks: welcoming(trunks, guard),
      recordings,
      customers: asker,
      announcements,
      clock,
      policy: { connectTimeoutMs: config.calls.connectTimeoutSec * 1000 },
      alertOn183: config.calls.alertOn183,
      ids: createCallIds(config.hostName),
      hostName: config.hostName,
      countryCode: config.calls.countryCode,
      log,
    })
    // Before the first call is taken: pushes left over are picked up, and what a crash left open gets its end. In this
    // order, so that a call's disconnect event does not overtake events that the crash kept from leaving.
    await deliverer.start()
    const crashedCalls = await controller.closeCrashedCalls(storage.aliveUntil)
    if (crashedCalls > 0) log.warn({ calls: crashedCalls }, 'calls that a crash left open were closed')
    const stillOpen = await storage.journal.openCalls()
    await recordings.clearParts(new Set(stillOpen.map(({ recordingPending }) => recordingPending?.object)))
    storage.startHeartbeat()
    const sms = await startSms({ config, storage, asker, clock, log })
    opened.push(() => sms.close())

    const listeners = await sipListeners(config, clock)
    const stack = await createSipStack({
      listen: listeners.listen,
      publicHost: sipHost,
      maxUdpRequestBytes: config.sip.udpMaxBytes,
      ...limits,
      ...(options.openTransport && { openTransport: options.openTransport }),
      // Ours decides when a callee took too long (8035); the stack's own limit only stands behind it.
      inviteTimeoutMs: (config.calls.connectTimeoutSec + 10) * 1000,
      sessionTimer: { expiresSec: config.sip.sessionExpiresSec, minSec: config.sip.minSessionSec },
      handlers: {
        onInvite: (call) => controller.onInvite(call),
        onRequest: (request) => phones.onRequest(request),
        onFault: (error, where) => log.error({ err: error, where }, 'a SIP handler failed'),
        ...(options.onMessage && { onMessage: options.onMessage }),
      },
    }).catch((cause: unknown) => {
      throw sipListenFault(cause)
    })
    opened.push(() => stack.close())
    const watch = watchLines(
      trunks.trunks.flatMap(({ lines }) => lines),
      { stack, sipHost, clock, chance: Math.random },
    )
    opened.push(() => watch.close())
    const registrations = startRegistrations(
      config.sip.trunks,
      (registration) => createRegistration(stack, registration),
      log,
    )
    opened.push(() => registrations.close())
    const portOf = (name: TransportName): number | undefined =>
      stack.addresses.find(({ transport }) => transport === name)?.port
    const [tlsPort, wsPort, wssPort] = [portOf('tls'), portOf('ws'), portOf('wss')]

    const api = await createOpenApi({
      config: config.api,
      tls: await loadCertificate(config, clock.now()),
      apps: storage.apps,
      ...modes.services,
      announcementExists: announcements.exists,
      terminate: (appKey, sessionId) => controller.terminate(appKey, sessionId),
      recordings: {
        library: recordings,
        links: createLinkSigner(readSealKey(config.dataDir)),
        linkHours: config.recordings.linkHours,
        linkRatePerMin: config.recordings.linkRatePerMin,
      },
      clock,
      log,
    })
    opened.push(() => api.close())
    const ports = await api.listen()
    const tracer = createSipTracer({ stack, clock, log })
    const admin = createAdminApi({
      config: config.admin,
      token: loadAdminToken(config.dataDir),
      operations: [
        ...announcementOperations(announcements, storage.apps),
        ...appOperations({
          apps: storage.apps,
          numberStates: storage.numberStates,
          announcementExists: announcements.exists,
          defaults: config.defaults,
          clock,
        }),
        ...numberOperations({
          apps: storage.apps,
          numbers: storage.numbers,
          numberStates: storage.numberStates,
          clock,
        }),
        ...banOperations(guard),
        ...smsOperations(storage.smsDetails),
        ...traceOperations(tracer),
        ...trunkOperations({
          list: () => trunks.trunks.map((trunk) => reportOf(trunk, registrations)),
          test(name) {
            const trunk = trunks.trunks.find(({ config }) => config.name === name)
            const registration = registrations.stateOf(name)
            return trunk && testTrunk(trunk, { stack, sipHost, registration, tls: config.sip.tls })
          },
        }),
      ],
      log,
    })
    opened.push(() => admin.close())
    // Before the admin API, which waits for its answers to end.
    opened.push(() => tracer.close())
    const adminPort = config.admin.enabled ? (await admin.listen()).port : undefined
    const sweeper = startSweeper({ store: storage.bindings, clock, log })
    opened.push(() => sweeper.close())
    const retention = startRetention({
      archive: storage.archive,
      keepDays: config.storage.cdrDays,
      clock,
      log,
    })
    opened.push(() => retention.close())

    return {
      sip: {
        host: sipHost,
        port: stack.addresses[0]!.port,
        ...(tlsPort !== undefined && { tlsPort }),
        ...(wsPort !== undefined && { wsPort }),
        ...(wssPort !== undefined && { wssPort }),
      },
      api: ports,
      ...(sms.port !== undefined && { sms: { port: sms.port } }),
      ...(adminPort !== undefined && { admin: { host: config.admin.host, port: adminPort } }),
      storage,
      sipStats: () => stack.stats(),
      get activeCalls() {
        return controller.activeCalls
      },
      crashedCalls,
      reloadSubscribers: () => phones.reload(),
      reloadCertificates: async () => listeners.tls?.reload(),
      async settle() {
        await sms.drain()
        await storage.journal.flush()
        await deliverer.drain()
      },
      async close(graceMs = 0) {
        try {
          await controller.drain(graceMs)
          // What the last calls caused is pushed before the stop where the customers' servers are quick; the rest stays in
          // the outbox for the next start.
          await within(clock, PUSH_GRACE_MS, deliverer.drain())
        } finally {
          await closeAll()
        }
      },
    }
  } catch (error) {
    await closeAll().catch(() => {})
    throw error
  }
}

/** The rules of the configuration see to it that the rest is there too. */
const hasStore = (s3: Config['recordings']['s3']): s3 is Config['recordings']['s3'] & S3Options =>
  s3.endpoint !== undefined

function cannotBindMedia(cause: unknown): unknown {
  if (!(cause instanceof MediaError)) return cause
  return new AppError(
    'MEDIA_LISTEN',
    `${cause.message}; choose others with media.host (MASKLINE_MEDIA_HOST), media.portMin (MASKLINE_RTP_PORT_MIN) and media.portMax (MASKLINE_RTP_PORT_MAX)`,
    { cause },
  )
}

function makeDataDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new AppError(
      'DATA_UNWRITABLE',
      `cannot create the data folder ${path.resolve(dir)} (${(cause as NodeJS.ErrnoException).code}); choose another with --data DIR or MASKLINE_DATA`,
      { cause },
    )
  }
}

/** How long a stop waits for pushes that are under way, ms. */
const PUSH_GRACE_MS = 2_000

/** Waits for `work`, but no longer than `limitMs`. */
function within(clock: Clock, limitMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(limitMs, resolve)
    work.then(resolve, reject).finally(() => timer.cancel())
  })
}
