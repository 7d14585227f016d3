import type { G711 } from '../audio/g711.ts'
import { MediaError } from '../engine.ts'
import { PCMA, PCMU, TELEPHONE_EVENT, renumber, type Codec } from './codec.ts'
import { directionOf, receives, sends, type Direction } from './description.ts'

/**
 * A codec in use with one party. `sendType` is its number (what we send to it), `receiveType` ours (what it sends);
 * they differ only when an answer renumbers (RFC 3264 §5.1).
 */
export type Agreed = { readonly codec: Codec; readonly sendType: number; readonly receiveType: number }

/** A codec offered to one party, and the codec of the other party's offer it stands for (none: added by us). */
export type Offered = { readonly codec: Codec; readonly from: Codec | undefined }

const FIRST_DYNAMIC = 96

/** Dynamic numbers already given a meaning with a party; they keep it for the whole call (RFC 3264 §8.3.2). */
export type TypeNumbers = Map<number, string>

export function rememberTypes(numbers: TypeNumbers, codecs: readonly Codec[]): void {
  for (const codec of codecs)
    if (codec.payloadType >= FIRST_DYNAMIC) numbers.set(codec.payloadType, codec.identity)
}

/**
 * The codecs of one party as an offer to the other: in order, with numbers that do not clash with those the other
 * knows, and with the missing G.711 law at the end, because the engine converts between the two.
 */
export function forwardCodecs(codecs: readonly Codec[], numbers: TypeNumbers): Offered[] {
  const offered: Offered[] = []
  const add = (codec: Codec, from: Codec | undefined, at = offered.length): void => {
    const renumbered = numberFor(codec, numbers)
    // A codec listed twice, or a number that is taken: the first one counts.
    const taken = offered.some((entry) => entry.codec.payloadType === renumbered.payloadType)
    if (!taken) offered.splice(at, 0, { codec: renumbered, from })
  }
  for (const codec of codecs) add(codec, codec)
  const speaks = (law: Codec): boolean => codecs.some((codec) => codec.key === law.key)
  if (speaks(PCMA) !== speaks(PCMU)) {
    const firstEvent = offered.findIndex((entry) => !entry.codec.carriesSpeech)
    add(speaks(PCMA) ? PCMU : PCMA, undefined, firstEvent < 0 ? offered.length : firstEvent)
  }
  return offered
}

/** What the engine offers of its own. */
export const ownOffer = (): Offered[] =>
  [PCMA, PCMU, TELEPHONE_EVENT].map((codec) => ({ codec, from: undefined }))

function numberFor(codec: Codec, numbers: TypeNumbers): Codec {
  if (codec.payloadType < FIRST_DYNAMIC) return codec
  const wanted = codec.identity
  const meaning = numbers.get(codec.payloadType)
  if (meaning === wanted) return codec
  for (const [number, known] of numbers) if (known === wanted) return renumber(codec, number)
  let free = codec.payloadType
  if (meaning !== undefined) for (free = FIRST_DYNAMIC; free < 127 && numbers.has(free);) free++
  numbers.set(free, wanted)
  return renumber(codec, free)
}

/** The codecs that stand after a party answered our offer. Throws NO_COMMON_CODEC when none carries speech. */
export function agreeOnAnswer(offered: readonly Offered[], answer: readonly Codec[]): Agreed[] {
  const agreed: Agreed[] = []
  for (const codec of answer) {
    const match =
      offered.find(
        (entry) => entry.codec.payloadType === codec.payloadType && entry.codec.key === codec.key,
      ) ?? offered.find((entry) => entry.codec.key === codec.key)
    const known = agreed.some((entry) => entry.receiveType === match?.codec.payloadType)
    if (match !== undefined && !known) {
      agreed.push({ codec, sendType: codec.payloadType, receiveType: match.codec.payloadType })
    }
  }
  requireSpeech(agreed, 'the answer has no audio codec of the offer')
  return agreed
}

/**
 * What to answer a party that offered `offer`, now that the other side has agreed on `other` to our `offered`:
 * the other side's codecs under the offerer's numbers, or its first G.711 when only conversion joins the two.
 */
export function agreeOnOffer(
  offer: readonly Codec[],
  offered: readonly Offered[],
  other: readonly Agreed[],
): Agreed[] {
  const agreed: Agreed[] = []
  for (const there of other) {
    const entry = offered.find((candidate) => candidate.codec.payloadType === there.receiveType)
    const ours =
      offer.find(
        (codec) => codec.payloadType === entry?.from?.payloadType && codec.key === there.codec.key,
      ) ?? offer.find((codec) => codec.key === there.codec.key)
    if (ours === undefined || agreed.some((known) => known.codec.payloadType === ours.payloadType)) continue
    // The answerer's parameters (AMR mode set, annexb) bind both; event ranges are the offerer's own.
    agreed.push(sameNumbers(ours.isEvent ? ours : { ...ours, fmtp: there.codec.fmtp }))
  }
  if (!agreed.some(carriesSpeech) && other.some((there) => there.codec.g711)) {
    const convertible = offer.find((codec) => codec.g711)
    if (convertible !== undefined) agreed.unshift(sameNumbers(convertible))
  }
  requireSpeech(agreed, 'the two sides have no audio codec in common')
  return agreed
}

/** What the engine answers by itself: the first G.711 law offered, and digits. */
export function agreeLocally(offer: readonly Codec[]): Agreed[] {
  const speech = offer.find((codec) => codec.g711)
  if (speech === undefined) {
    throw new MediaError('NO_COMMON_CODEC', 'announcements need PCMA or PCMU, and the offer has neither')
  }
  const events = offer.find((codec) => codec.isEvent && codec.clockRateHz === speech.clockRateHz)
  return events ? [sameNumbers(speech), sameNumbers(events)] : [sameNumbers(speech)]
}

const sameNumbers = (codec: Codec): Agreed => ({
  codec,
  sendType: codec.payloadType,
  receiveType: codec.payloadType,
})
const carriesSpeech = (agreed: Agreed): boolean => agreed.codec.carriesSpeech

function requireSpeech(agreed: readonly Agreed[], message: string): void {
  if (!agreed.some(carriesSpeech)) throw new MediaError('NO_COMMON_CODEC', message)
}

/** The way of a codec to the other party: under which number, and into which law it is converted, if at all. */
export type Route = { readonly sendType: number; readonly convertTo: G711 | undefined }

/** How `codec` reaches a party that agreed on `to`; undefined when it cannot. */
export function routeTo(codec: Codec, to: readonly Agreed[]): Route | undefined {
  for (const there of to) {
    if (there.codec.key === codec.key) return { sendType: there.sendType, convertTo: undefined }
  }
  const other = codec.g711 && to.find((there) => there.codec.g711)
  return other ? { sendType: other.sendType, convertTo: other.codec.g711 } : undefined
}

/** Whether speech of either party can reach the other. */
export const canTalk = (one: readonly Agreed[], other: readonly Agreed[]): boolean =>
  one.some(
    ({ codec }) =>
      codec.carriesSpeech &&
      other.some((there) => there.codec.key === codec.key || (codec.g711 && there.codec.g711)),
  )

/** The answer's direction, cut to what the offer allows (RFC 3264 §6.1). */
export const answerDirection = (offer: Direction, wanted: Direction): Direction =>
  directionOf(sends(wanted) && receives(offer), receives(wanted) && sends(offer))
