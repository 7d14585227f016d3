import assert from 'node:assert/strict'
import type { CallEnd, Laboratory, PhoneCall, Softphone } from '@maskline/lab'

/** Calls as their parties hear them. Everybody's voice and every announcement is a tone, so an ear can tell what it hears. */

export type Person = { readonly number: string; readonly hz: number }

export const A: Person = { number: '+8613800000021', hz: 600 }
export const B: Person = { number: '+8613800000022', hz: 1000 }
export const C: Person = { number: '+8613800000023', hz: 1250 }
export const X = '+8617000000001'
export const X2 = '+8617000000002'

/** Ring-back and waiting beep of the platform. */
export const EXCHANGE_HZ = 450
/** How the built-in announcements of refusals begin; a frequency of its own follows in each. */
export const SPECIAL_HZ = [950, 1400, 1800] as const

/** Announcement files of a laboratory. */
export const TONES = {
  'once.wav': { hz: 1700, seconds: 0.4 },
  'wait.wav': { hz: 2000, seconds: 5 },
  'hint.wav': { hz: 2300, seconds: 0.6 },
  'last.wav': { hz: 2600, seconds: 0.6 },
  'hello.wav': { hz: 2900, seconds: 0.6 },
  'denied.wav': { hz: 3100, seconds: 0.5 },
  'unbound.wav': { hz: 3200, seconds: 0.5 },
  'broken.wav': { hz: 3300, seconds: 0.5 },
} as const
export type ToneName = keyof typeof TONES

/** All that an ear is asked to tell apart. */
const KNOWN_HZ = [...Object.values(TONES).map(({ hz }) => hz), ...[A, B, C].map(({ hz }) => hz), EXCHANGE_HZ]
/** A run on the wire lacks, at most, the packets at its two ends. */
const EDGE_MS = 60

export const dialled = (number: string): string => number.slice('+86'.length)

/** A phone that tells the network nothing until `ring` or `answer`. */
export const quietPhone = (lab: Laboratory, { number, hz }: Person): Promise<Softphone> =>
  lab.phone(number, hz, { ringsWhenTold: true })

/** Sends a request that has to succeed; gives its answer. */
export async function asked(
  lab: Laboratory,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await lab.api(method, path, body)
  assert.equal(answer.body.resultcode, '0', JSON.stringify(answer.body))
  return answer.body
}

export type Pair = { readonly outgoing: PhoneCall; readonly incoming: PhoneCall }

/** `from` dials, the call arrives at `to`, which has said nothing yet when it is a quiet phone. */
export async function dial(from: Softphone, number: string, to: Softphone): Promise<Pair> {
  const outgoing = await from.call(dialled(number))
  return { outgoing, incoming: await to.incoming() }
}

export async function answer({ outgoing, incoming }: Pair): Promise<void> {
  await incoming.answer()
  await outgoing.answered()
}

export async function talk(from: Softphone, number: string, to: Softphone): Promise<Pair> {
  const pair = await dial(from, number, to)
  await pair.incoming.ring()
  await pair.outgoing.ringing()
  await answer(pair)
  return pair
}

export async function hangUp({ outgoing, incoming }: Pair): Promise<void> {
  outgoing.hangup()
  await Promise.all([outgoing.ended(), incoming.ended()])
}

/** A frequency's time in what was heard so far. */
export const heardMs = (call: PhoneCall, hz: number): number =>
  call
    .tonesHeard(KNOWN_HZ)
    .filter((run) => run.hz === hz)
    .reduce((sum, { durationMs }) => sum + durationMs, 0)

/** What was heard one after the other, silence and moments left out. */
export const heardInOrder = (call: PhoneCall): number[] =>
  call
    .tonesHeard(KNOWN_HZ)
    .filter(({ hz, durationMs }) => hz !== 0 && durationMs > 2 * EDGE_MS)
    .map(({ hz }) => hz)
    .filter((hz, index, all) => hz !== all[index - 1])

/** Resolves once so much of a frequency was heard, all in all. */
export async function hears(call: PhoneCall, hz: number, seconds: number): Promise<void> {
  while (heardMs(call, hz) < seconds * 1000) await call.hears(call.audio().length / 8000 + 0.1)
}

/** Both hear an announcement, once: then a second of the other's voice follows. */
export async function bothHearOnce({ outgoing, incoming }: Pair, tone: ToneName): Promise<void> {
  await Promise.all([outgoing, incoming].map((call) => hearsOnce(call, tone)))
}

/** One hears an announcement once: it is over when a second of anything else came after it. */
export async function hearsOnce(call: PhoneCall, tone: ToneName): Promise<void> {
  const { hz, seconds } = TONES[tone]
  await hears(call, hz, seconds - EDGE_MS / 1000)
  await call.hears(call.audio().length / 8000 + 1)
  assertOnce(call, tone)
}

export function assertOnce(call: PhoneCall, tone: ToneName): void {
  const { hz, seconds } = TONES[tone]
  const ms = heardMs(call, hz)
  assert.ok(Math.abs(ms - seconds * 1000) <= EDGE_MS, `${tone}: ${ms} ms of ${seconds} s`)
}

/** Both hear the other's voice, and nothing else, for a second from now. */
export async function bothHearVoices({ outgoing, incoming }: Pair, from: Person, to: Person): Promise<void> {
  outgoing.forgetAudio()
  incoming.forgetAudio()
  await Promise.all([outgoing.hears(1), incoming.hears(1)])
  assert.deepEqual(heardInOrder(outgoing), [to.hz])
  assert.deepEqual(heardInOrder(incoming), [from.hz])
}

export type Refusal = { readonly end: CallEnd; readonly call: PhoneCall; readonly hadMedia: boolean }

/** Dials a number that answers nobody: how it ended, and whether anything was played before. */
export async function refused(from: Softphone, number: string): Promise<Refusal> {
  const call = await from.call(dialled(number))
  let hadMedia = false
  call.onState(({ kind }) => (hadMedia ||= kind === 'ringing'))
  const end = await call.ended()
  return { end, call, hadMedia: hadMedia || call.audio().length > 0 }
}

/** Release code of the call that ended as the nth. */
export async function releaseCode({ customer }: Laboratory, calls: number): Promise<number | undefined> {
  const ends = () => customer.events.filter(({ eventType }) => eventType === 'disconnect')
  await customer.waitFor(() => ends().length >= calls, `the end of call ${calls}`)
  return ends()[calls - 1]!.statusInfo.stateCode
}
