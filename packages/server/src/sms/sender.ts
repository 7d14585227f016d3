import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { LongTexts, OutgoingPart, SmsCarrier, SmsRoutes, SubmitOutcome } from './carrier.ts'
import { type MtPart, partIdOf, type SmsMessage } from './message.ts'
import type { SmsText } from './ports.ts'

export type Sender = {
  /** What parts from this X need room for, whichever of its carriers takes them. */
  headerFrom(x: E164): LongTexts
  /** The parts of a text of so many that has just been decided, as they are before they leave; without a way they never will. */
  partsOf(x: E164, segments: number): readonly MtPart[]
  /**
   * Submits the parts that are `sent`, in their order, and tells the outcome of each as it comes: what could not leave is `queued`.
   * Resolves with all parts.
   */
  submit(
    message: SmsMessage,
    parts: readonly MtPart[],
    told: (part: MtPart) => void,
  ): Promise<readonly MtPart[]>
}

/** Gives parts to the carriers of an X, one after another until one has taken or refused it for good. */
export function createSender(options: {
  readonly routes: SmsRoutes
  readonly text: Pick<SmsText, 'splitText'>
  readonly clock: Clock
}): Sender {
  const { routes, text, clock } = options

  const outgoing = (message: SmsMessage, takes: SmsCarrier['takes']): readonly OutgoingPart[] => {
    const { id, x: from, called: to, sending } = message
    const common = { from, to: to!, text: sending!.text }
    const parts = text.splitText(sending!.text, sending!)
    if (takes === 'parts')
      return parts.map((part, i) => ({ ...common, ...part, id: partIdOf(id, i + 1, parts.length) }))
    const { coding, userData } = parts[0]!
    return [{ ...common, coding, userData, id }]
  }

  const submitOne = async (out: OutgoingPart, ways: readonly SmsCarrier[]): Promise<Submitted> => {
    let last: Submitted = { outcome: { state: 'unsent' } }
    for (const carrier of ways) {
      last = { outcome: await carrier.submit(out), carrier: carrier.name }
      if (!mayGoElsewhere(last.outcome)) return last
    }
    return last
  }

  return {
    headerFrom(x) {
      const isLarge = routes.waysFrom(x).some(({ longTexts = 'udh8' }) => longTexts !== 'udh8')
      return isLarge ? 'udh16' : 'udh8'
    },
    partsOf(x, segments) {
      const [way] = routes.waysFrom(x)
      const state = way === undefined ? 'failed' : 'sent'
      const common = { state, at: clock.now(), ...(way && { carrier: way.name }) } as const
      if (way?.takes === 'texts') return [{ index: 1, segments, ...common }]
      return Array.from({ length: segments }, (_, i) => ({ index: i + 1, segments: 1, ...common }))
    },
    submit(message, parts, told) {
      // As it was cut the first time, so that each part is what it was.
      const wanted = kindOf(parts)
      const all = routes.waysFrom(message.x)
      const ways = all.filter(({ takes }) => takes === (wanted ?? all[0]?.takes))
      const out = outgoing(message, wanted ?? 'parts')
      return Promise.all(
        parts.map(async (part) => {
          if (part.state !== 'sent') return part
          const { outcome, carrier = part.carrier } = await submitOne(out[part.index - 1]!, ways)
          const done = after(part, outcome, carrier, clock.now())
          told(done)
          return done
        }),
      )
    },
  }
}

type Submitted = { readonly outcome: SubmitOutcome; readonly carrier?: string }

/** What kind of carrier these parts were made for; undefined when both would get the same. */
function kindOf(parts: readonly MtPart[]): SmsCarrier['takes'] | undefined {
  if (parts.length > 1) return 'parts'
  return parts[0]!.segments > 1 ? 'texts' : undefined
}

const mayGoElsewhere = (outcome: SubmitOutcome): boolean =>
  outcome.state === 'unsent' || (outcome.state === 'refused' && outcome.temporary)

function after(part: MtPart, outcome: SubmitOutcome, carrier: string | undefined, at: number): MtPart {
  const { index, segments } = part
  const common = { index, segments, at, ...(carrier !== undefined && { carrier }) }
  switch (outcome.state) {
    case 'accepted':
      return { ...common, state: 'accepted', carrierId: outcome.messageId }
    case 'refused':
      return { ...common, state: outcome.temporary ? 'queued' : 'refused', status: outcome.status }
    case 'unsent':
      return { ...common, state: 'queued' }
    case 'unknown':
      return { ...common, state: 'unknown' }
    default:
      return outcome satisfies never
  }
}
