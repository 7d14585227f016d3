import type { RouteStore } from '../bindings/ports.ts'
import type { RouteView } from '../bindings/route.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import { isGlobalForm } from '../shared/e164.ts'
import type { Gate } from '../shared/gate.ts'
import type { Log } from '../shared/log.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { Concat } from './carrier.ts'
import type { MoPart, MtPart, SmsMessage } from './message.ts'
import type { SmsCustomers, SmsStore, SmsText, StoredSms } from './ports.ts'
import { readBlockAnswer } from './rules/block-answer.ts'
import type { ContentFilter } from './rules/content-filter.ts'
import {
  decideAnswer,
  decideSms,
  type SmsArrival,
  type SmsForward,
  type SmsRefuse,
  type SmsSubject,
  type SmsView,
  subjectOf,
} from './rules/decide.ts'
import { chargedSegments, type CountRule, countSegments } from './rules/segments.ts'
import { resultOfSegments, SEND_RESULTS, type SendResult } from './rules/send-result.ts'
import { type SmsFacts, smsBlockBody, smsNotifyBody } from './rules/sms-push.ts'
import type { Sender } from './sender.ts'

export type HandlerOptions = {
  readonly store: Pick<SmsStore, 'save'>
  readonly routes: Pick<RouteStore, 'lookup'>
  readonly customers: SmsCustomers
  readonly sender: Sender
  readonly text: SmsText
  readonly filterOf: (app: App) => ContentFilter
  /** So many messages at a time are with the carriers; of no others a crash leaves the outcome unknown. */
  readonly gate: Gate
  readonly clock: Clock
  readonly log: Log
  readonly policy: SmsPolicy
}

export type SmsPolicy = {
  /** `event` of the pushes. */
  readonly event: string
  readonly countRule: CountRule
  readonly countryCodes: readonly string[]
  /** The customer's time for the answer to a Block. */
  readonly askTimeoutMs: number
  /** How long parts that cannot leave are tried again, counted from the decision. */
  readonly retryForMs: number
}

/** What is left to do for a message: nothing (`ended`), later on (`later`), or on when the platform starts again (`stopped`). */
export type Handled =
  { readonly kind: 'ended' | 'stopped' } | { readonly kind: 'later'; readonly dueAt: EpochMs }

/**
 * Brings one message as far as it goes now. Every step is stored before the next: the decision with its parts before the first of
 * them leaves, the end together with its Notify.
 */
export type Handler = {
  handle(sms: StoredSms): Promise<Handled>
  /** Ends a message that cannot be handled: internal error. */
  giveUp(message: SmsMessage): Promise<Handled>
  /** Lets questions that are still open go unanswered: they are asked again after the next start. */
  stop(): void
}

const ENDED: Handled = { kind: 'ended' }
const STOPPED: Handled = { kind: 'stopped' }
/** A part that cannot leave is tried again after half the time that it has waited, between these, ms. */
const RETRY_MS = { least: 2_000, most: 60_000 }

export function createHandler(options: HandlerOptions): Handler {
  const { store, routes, customers, sender, text, filterOf, gate, clock, log, policy } = options
  let stopped = false
  let lastReference = Math.floor(clock.now() / 1000) % 0x10000

  const look = (message: SmsMessage): Promise<RouteView> =>
    routes.lookup(message.x, numberOf(message.from), clock.now())

  const factsOf = (
    message: SmsMessage,
    view: Pick<RouteView, 'xNumber'>,
    subject: SmsSubject,
  ): Omit<SmsFacts, 'segments'> => ({
    id: message.id,
    calling: message.from,
    x: message.x,
    at: clock.now(),
    event: policy.event,
    subject,
    ...(view.xNumber && { areaCode: view.xNumber.areaCode }),
  })

  /** Ends a message; its customer is told in the same write. */
  const end = async (
    message: SmsMessage,
    view: RouteView,
    outcome: {
      readonly result: SendResult
      readonly segments?: number
      readonly content?: string | undefined
      readonly mt?: readonly MtPart[]
    },
  ): Promise<Handled> => {
    const { app } = view
    const { result, segments = 0, content, mt } = outcome
    const { called, subject = { direction: 2 } } = message
    const ended: SmsMessage = {
      ...message,
      state: 'ended',
      ...(app && { appKey: app.key }),
      subject,
      end: { at: clock.now(), result, segments },
    }
    if (!app) log.warn({ sms: message.id, carrier: message.carrier }, 'an SMS came to a number that is no X')
    const push: PushDraft | undefined = app?.smsNotifyUrl
      ? {
          kind: 'event',
          url: app.smsNotifyUrl,
          sessionId: message.id,
          body: smsNotifyBody(
            {
              ...factsOf(message, view, subject),
              segments,
              result,
              ...(called !== undefined && { called }),
              ...(content !== undefined && { text: content }),
            },
            app,
          ),
        }
      : undefined
    await store.save(ended, message.state, { ...(mt && { mt }), ...(push && { push }) })
    return ENDED
  }

  const ask = async (
    message: SmsMessage,
    view: SmsView & { readonly app: App },
    arrival: SmsArrival,
    asked: { readonly url: string; readonly subject: SmsSubject },
  ): Promise<SmsForward | SmsRefuse | undefined> => {
    const { app } = view
    const facts: SmsFacts = {
      ...factsOf(message, view, asked.subject),
      segments: countSegments(text.splitText(arrival.text, { reference: 0 }), policy.countRule),
      text: arrival.text,
    }
    const answer = await customers.post(smsBlockBody(facts, app), app, asked.url, policy.askTimeoutMs)
    if (stopped) return undefined
    const read = readBlockAnswer(answer, app)
    if (read.operation === 'none' || read.operation === 'faulty')
      log.warn(
        { app: app.key, sms: message.id, why: read.operation === 'faulty' ? read.culprit : whyNone(answer) },
        'a customer’s server gave no usable answer to an SMS',
      )
    return decideAnswer(arrival, view, asked.subject, read)
  }

  const decide = async (message: SmsMessage): Promise<Handled> => {
    const view = await look(message)
    const { app } = view
    const arrival: SmsArrival = {
      x: message.x,
      from: numberOf(message.from),
      text: text.joinParts(message.parts.map((part) => ({ ...part, concat: placeOf(part, message) }))),
    }
    const filter = app ? filterOf(app) : NO_FILTER
    const whole = { ...view, filter, countryCodes: policy.countryCodes }
    let decision = decideSms(arrival, whole)
    if (decision.do === 'ask') {
      const answered = await ask(message, { ...whole, app: app! }, arrival, decision)
      if (answered === undefined) return STOPPED
      decision = answered
    }
    const { subject, called } = decision
    const decided: SmsMessage = { ...message, subject, ...(called !== undefined && { called }) }
    const content = app?.smsContentInNotify ? arrival.text : undefined
    if (decision.do === 'refuse') return end(decided, view, { result: decision.result, content })
    const forwarded = decision.text
    return gate.use(() => (stopped ? Promise.resolve(STOPPED) : begin(decided, view, forwarded, content)))
  }

  /** From here on nothing is decided again: the parts are stored, then submitted. */
  const begin = async (
    decided: SmsMessage,
    view: RouteView,
    forwarded: string,
    content: string | undefined,
  ): Promise<Handled> => {
    const reference = (lastReference = (lastReference + 1) % 0x10000)
    const header = sender.headerFrom(decided.x)
    const parts = text.splitText(forwarded, { reference, header })
    const now = clock.now()
    const message: SmsMessage = {
      ...decided,
      state: 'sending',
      dueAt: now,
      ...(view.app && { appKey: view.app.key }),
      sending: {
        text: forwarded,
        reference,
        header,
        count: countSegments(parts, policy.countRule),
        ...(content !== undefined && { content }),
        giveUpAt: now + policy.retryForMs,
      },
    }
    const mt = sender.partsOf(message.x, parts.length)
    if (!(await store.save(message, decided.state, { mt }))) return ENDED
    return submit(message, view, mt)
  }

  const submit = async (message: SmsMessage, view: RouteView, mt: readonly MtPart[]): Promise<Handled> => {
    let open = mt.filter(({ state }) => state === 'sent').length
    const saved: Promise<unknown>[] = []
    const done = await sender.submit(message, mt, (part) => {
      // The last outcome is stored with what follows from it.
      if (--open > 0 && part.state !== 'queued')
        saved.push(store.save(message, message.state, { mt: [part] }))
    })
    await Promise.all(saved)
    return conclude(message, view, done)
  }

  const conclude = async (
    message: SmsMessage,
    view: RouteView,
    parts: readonly MtPart[],
  ): Promise<Handled> => {
    const { giveUpAt, count, content } = message.sending!
    const now = clock.now()
    if (parts.some(({ state }) => state === 'queued') && now < giveUpAt) {
      const waitMs = Math.min(Math.max((now - message.receivedAt) / 2, RETRY_MS.least), RETRY_MS.most)
      const dueAt = Math.min(now + Math.ceil(waitMs), giveUpAt)
      await store.save({ ...message, dueAt }, message.state, { mt: parts })
      return { kind: 'later', dueAt }
    }
    const mt = parts.map((part): MtPart => (part.state === 'queued' ? { ...part, state: 'failed' } : part))
    const sum = (some: readonly MtPart[]): number => some.reduce((all, { segments }) => all + segments, 0)
    const accepted = sum(mt.filter(({ state }) => state === 'accepted'))
    const result = resultOfSegments(accepted, sum(mt))
    return end(message, view, { result, segments: chargedSegments(accepted, sum(mt), count), content, mt })
  }

  /**
   * Goes on with parts that could not leave. What an earlier run had given to a carrier without an outcome may be with the
   * receiver: it is not sent again.
   */
  const goOn = async ({ message, mt }: StoredSms): Promise<Handled> => {
    const view = await look(message)
    const known = mt.map((part): MtPart => (part.state === 'sent' ? { ...part, state: 'unknown' } : part))
    const isOver = known.every(({ state }) => state !== 'queued') || clock.now() >= message.sending!.giveUpAt
    if (isOver) return conclude(message, view, known)
    return gate.use(async () => {
      if (stopped) return STOPPED
      const now = clock.now()
      const ahead = known.map((part): MtPart => (part.state === 'queued' ? { ...part, state: 'sent' } : part))
      const begun: SmsMessage = { ...message, dueAt: now }
      if (!(await store.save(begun, message.state, { mt: ahead }))) return ENDED
      return submit(begun, view, ahead)
    })
  }

  const giveUp = async (message: SmsMessage): Promise<Handled> => {
    const view = await look(message)
    const subject = view.app && subjectOf(view.app, view.match)
    return end({ ...message, ...(subject && { subject }) }, view, { result: SEND_RESULTS.internalError })
  }

  return {
    giveUp,
    stop: () => void (stopped = true),
    handle(sms) {
      const { message } = sms
      switch (message.state) {
        case 'gathering':
          return giveUp(message)
        case 'received':
          return decide(message)
        case 'sending':
          return goOn(sms)
        case 'ended':
          return Promise.resolve(ENDED)
        default:
          return message.state satisfies never
      }
    },
  }
}

const placeOf = ({ index }: MoPart, { total }: SmsMessage): Concat => ({ reference: 0, total, index })
const NO_FILTER: ContentFilter = { resultOf: () => undefined }
const numberOf = (from: string) => (isGlobalForm(from) ? from : undefined)
const whyNone = (answer: { readonly kind: string; readonly why?: string }): string =>
  answer.why ?? answer.kind
