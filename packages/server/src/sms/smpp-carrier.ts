import {
  createEsme,
  type EsmeHandlers,
  type EsmeOptions,
  isFinalState,
  type OutgoingPart,
  type SmppClock,
} from '@maskline/smpp'
import type { Log } from '../shared/log.ts'
import type { Clock, Timer } from '../shared/time.ts'
import type { CarrierHandlers, Concat, DeliveryReceipt, LongTexts, SmsCarrier } from './carrier.ts'

/** An SMSC that is spoken to over SMPP 3.4; what an ESME has of its own stands in `EsmeOptions`. */
export type SmppCarrierOptions = Omit<EsmeOptions, keyof EsmeHandlers | 'clock' | 'random'> & {
  readonly name: string
  /** How the parts of a long text are told to belong together: in a user data header, or by the SAR parameters. */
  readonly longTexts: LongTexts
  /** Whether receipts are asked for. */
  readonly receipts: boolean
  /** How long the SMSC tries to reach a receiver; absent: its own. */
  readonly validitySec?: number
  readonly handlers: CarrierHandlers
  readonly clock: Clock
  readonly log: Log
}

export function createSmppCarrier(options: SmppCarrierOptions): SmsCarrier {
  const { name, longTexts, receipts, validitySec, handlers, clock, log, ...esmeOptions } = options
  /** Our ids of the parts that were submitted. */
  const ids = new WeakMap<object, string>()
  const esme = createEsme({
    ...esmeOptions,
    clock: smppClock(clock),
    onMessage: (part) => handlers.onPart(part),
    async onReceipt({ messageId, state, error }) {
      // What is on its way yet says nothing that anybody would look for.
      if (!isFinalState(state)) return
      await handlers.onReceipt({
        messageId,
        state: state as DeliveryReceipt['state'],
        ...(error !== undefined && { error }),
      })
    },
    onLateOutcome(part, outcome) {
      if (outcome.state !== 'accepted' && outcome.state !== 'refused') return
      const { state } = outcome
      log.warn({ smsc: name, state }, 'an SMSC answered after its answer was given up; only the details know')
      handlers
        .onLateOutcome(ids.get(part)!, outcome)
        .catch((err: unknown) => log.error({ smsc: name, err }, 'a late outcome could not be stored'))
    },
    onEvent: ({ kind, ...event }) => {
      if (kind === 'bound') log.info({ smsc: name, ...event }, 'bound to an SMSC')
      else if (kind === 'lost') log.warn({ smsc: name, ...event }, 'the connection to an SMSC is lost')
      else if (kind === 'throttled') log.warn({ smsc: name, ...event }, 'an SMSC asks to slow down')
      else log.warn({ smsc: name, ...event }, 'an SMSC did what SMPP does not allow')
    },
  })
  return {
    name,
    takes: 'parts',
    longTexts,
    submit({ id, from, to, userData, coding, concat }) {
      const part: OutgoingPart = {
        from,
        to,
        userData,
        coding,
        ...(concat && { concat: { ...concat, header: headerOf(concat, longTexts) } }),
        receipt: receipts,
        ...(validitySec !== undefined && { validitySec }),
      }
      ids.set(part, id)
      return esme.submit(part)
    },
    close: () => esme.close(),
  }
}

/** As the SMSC wants it, unless the part was cut, before its configuration changed, without room for that. */
const headerOf = ({ header }: Concat, wanted: LongTexts): LongTexts =>
  wanted === 'udh16' && header !== 'udh16' ? 'udh8' : wanted

const smppClock = (clock: Clock): SmppClock => ({
  now: () => clock.now(),
  setTimer: (delayMs, run) => clock.setTimer(delayMs, run),
  clearTimer: (timer) => (timer as Timer | undefined)?.cancel(),
})
