import { readFileSync } from 'node:fs'
import { type EsmeTls, joinParts, splitText } from '@maskline/smpp'
import type { Config, SmscConfig } from './config/config.ts'
import type { Asker } from './notifications/ask.ts'
import { AppError } from './shared/app-error.ts'
import type { Log } from './shared/log.ts'
import type { Clock } from './shared/time.ts'
import { createHttpCarrier } from './sms/http-carrier.ts'
import { startWebhook } from './sms/http-webhook.ts'
import { createSmppCarrier } from './sms/smpp-carrier.ts'
import type { CarrierHandlers } from './sms/carrier.ts'
import { createRelay } from './sms/relay.ts'
import { createSmsRoutes, type SmsWay } from './sms/routes.ts'
import { createFilters } from './sms/rules/content-filter.ts'
import { createWordSearch } from './sms/rules/word-search.ts'
import type { Storage } from './storage/index.ts'

/** SMS of a running platform. */
export type SmsService = {
  /** Where aggregators hand in SMS; absent without any. */
  readonly port: number | undefined
  drain(): Promise<void>
  /** What is under way gets its outcome; the rest waits for the next start. */
  close(): Promise<void>
}

/**
 * Wires SMS: carriers and the relay between them, after what an earlier run left is taken up. Rejects with AppError `SMS_WORDS_FILE`, `SMS_TLS_FILE`
 * or `SMS_LISTEN`.
 */
export async function startSms(options: {
  readonly config: Pick<Config, 'sms' | 'numbers' | 'calls'>
  readonly storage: Pick<Storage, 'sms' | 'routes'>
  readonly asker: Asker
  readonly clock: Clock
  readonly log: Log
}): Promise<SmsService> {
  const { config, storage, asker, clock, log } = options
  const { sms } = config
  const handlersOf = (name: string): CarrierHandlers => ({
    onPart: (part) => relay.handlersOf(name).onPart(part),
    onReceipt: (receipt) => relay.handlersOf(name).onReceipt(receipt),
    onLateOutcome: (partId, outcome) => relay.handlersOf(name).onLateOutcome(partId, outcome),
  })
  const ways: readonly SmsWay[] = [
    ...sms.smscs.map(({ serves, priority, tls, ...smsc }) => ({
      carrier: createSmppCarrier({
        ...smsc,
        ...(tls && { tls: tlsOf(tls) }),
        handlers: handlersOf(smsc.name),
        clock,
        log,
      }),
      priority,
      ...(serves && { serves }),
    })),
    ...sms.aggregators.map(({ serves, priority, ...aggregator }) => ({
      carrier: createHttpCarrier({ ...aggregator, clock }),
      priority,
      ...(serves && { serves }),
    })),
  ]
  const relay = createRelay({
    store: storage.sms,
    routes: storage.routes,
    carriers: createSmsRoutes(ways),
    customers: asker,
    text: { splitText, joinParts },
    filterOf: createFilters(createWordSearch(wordsIn(sms.forbiddenWordsFile))),
    clock,
    log,
    policy: {
      event: sms.event,
      countRule: sms.countRule,
      countryCodes: config.numbers.countryCodes.split(','),
      countryCode: config.calls.countryCode,
      askTimeoutMs: sms.askTimeoutMs,
      retryForMs: sms.retryMin * 60_000,
      gatherMs: sms.gatherSec * 1000,
      repeatMs: sms.repeatSec * 1000,
      maxSending: sms.maxSending,
    },
  })
  await relay.start()
  const webhook =
    sms.aggregators.length === 0
      ? undefined
      : await startWebhook({
          ...sms.http,
          aggregators: new Map(
            sms.aggregators.map(({ name, inboundToken: token }) => [
              name,
              { token, handlers: handlersOf(name) },
            ]),
          ),
          clock,
          log,
        })
  return {
    port: webhook?.port,
    drain: () => relay.drain(),
    async close() {
      const stopped = relay.close()
      // What it waits for: answers of customers and outcomes of carriers.
      asker.close()
      await Promise.all(ways.map(({ carrier }) => carrier.close()))
      await stopped
      await webhook?.close()
    },
  }
}

/** Certificates of an SMSC out of their files. */
function tlsOf({ caFile, certFile, keyFile, ...rest }: NonNullable<SmscConfig['tls']>): EsmeTls {
  return {
    ...rest,
    ...(caFile !== undefined && { ca: readOf(caFile, 'SMS_TLS_FILE', 'sms.smscs') }),
    ...(certFile !== undefined && { cert: readOf(certFile, 'SMS_TLS_FILE', 'sms.smscs') }),
    ...(keyFile !== undefined && { key: readOf(keyFile, 'SMS_TLS_FILE', 'sms.smscs') }),
  }
}

/** Words of a file, one a line; blanks around them do not count. */
function wordsIn(file: string | undefined): readonly string[] {
  if (file === undefined) return []
  return readOf(file, 'SMS_WORDS_FILE', 'MASKLINE_SMS_FORBIDDEN_WORDS')
    .split(/\r?\n/)
    .map((line) => line.trim())
}

function readOf(file: string, code: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError(code, `cannot read ${file}: ${(cause as Error).message} (${setting})`, { cause })
  }
}
