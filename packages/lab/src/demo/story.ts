import { SAMPLE_RATE_HZ } from '@maskline/media'
import type { CallEvent, FeeInfo } from '../customer/push-body.ts'
import { CallEndedError } from '../softphone/call-progress.ts'
import type { PhoneCall, Softphone } from '../softphone/types.ts'
import { type Laboratory, type LaboratoryOptions, openLaboratory } from './laboratory.ts'
import type { Narrator } from './narrator.ts'

/** What the demos of all modes are told with: people with a number and a voice, calls, and what the customer hears. */

export type Person = {
  readonly name: string
  readonly number: string
  /** The tone that stands for the voice. */
  readonly hz: number
  readonly phone: Softphone
}

/** The people of all demos; each demo opens those it needs. */
export const PEOPLE = {
  A: { number: '+8613800000021', hz: 440 },
  B: { number: '+8613800000022', hz: 1000 },
  C: { number: '+8613800000023', hz: 600 },
} as const

/** A tone counts as heard when it is ten times as loud as any other. */
const CLEARLY = 10

/** A number as people dial it: without the country. */
export const dialled = (number: string): string => number.slice('+86'.length)

export type Story = {
  readonly tell: Narrator
  readonly lab: Laboratory
  person(name: keyof typeof PEOPLE): Promise<Person>
  readonly ask: Ask
  /** Checks the events and the release code of the call that was told last; gives its CDR. */
  told(expected: {
    readonly code: number
    readonly events: readonly string[]
  }): Promise<{ readonly events: readonly CallEvent[]; readonly fee: FeeInfo }>
}

/** Sends a signed request, shows it and its answer, and checks that it succeeded; gives the answer. */
export type Ask = (
  what: string,
  method: string,
  pathAndQuery: string,
  body?: object,
) => Promise<Record<string, unknown>>

export const asking =
  (tell: Narrator, lab: Laboratory): Ask =>
  async (what, method, pathAndQuery, body) => {
    tell.show(`${method} ${pathAndQuery}${body ? `\n${JSON.stringify(body)}` : ''}`)
    const answer = await lab.api(method, pathAndQuery, body)
    tell.show(`${answer.status}  ${JSON.stringify(answer.body)}`)
    tell.check(`${what}: resultcode "0"`, answer.body.resultcode === '0')
    return answer.body
  }

/** Opens a laboratory, runs a story in it and closes it, whatever happens. */
export async function inLaboratory(
  tell: Narrator,
  options: LaboratoryOptions,
  run: (story: Story) => Promise<void>,
): Promise<void> {
  const lab = await openLaboratory(options)
  const sessions = new Set<string>()
  const story: Story = {
    tell,
    lab,
    async person(name) {
      const { number, hz } = PEOPLE[name]
      return { name, number, hz, phone: await lab.phone(number, hz) }
    },
    ask: asking(tell, lab),
    async told({ code, events: wanted }) {
      const { customer } = lab
      await customer.waitFor((c) => c.fees.length > sessions.size, 'the CDR of the call')
      const fee = customer.fees.find((candidate) => !sessions.has(candidate.sessionId))!
      sessions.add(fee.sessionId)
      const events = customer.events.filter((event) => event.statusInfo.sessionId === fee.sessionId)
      const names = events.map((event) => event.eventType)
      tell.check(
        `events: ${wanted.join(', ')}; then the CDR`,
        names.join() === wanted.join(),
        names.join(', '),
      )
      const told = events.at(-1)?.statusInfo.stateCode
      tell.check(
        `release code ${code} in the disconnect event, ${fee.ulFailReason} as release point in the CDR`,
        told === code && (code === 0) === (fee.ulFailReason === 0),
        `${told}`,
      )
      return { events, fee }
    },
  }
  try {
    await run(story)
    tell.step('What the customer’s server says')
    tell.check(
      'every push was signed and well formed',
      lab.customer.faults.length === 0,
      lab.customer.faults[0],
    )
    tell.check(
      `${sessions.size} calls, ${sessions.size} CDRs, each once`,
      lab.customer.fees.length === sessions.size,
    )
  } finally {
    await lab.close()
  }
}

export const TALK = ['callin', 'callout', 'alerting', 'answer', 'disconnect'] as const
export const REFUSED = ['callin', 'disconnect'] as const

/** One of the two calls of a talk, with the ear that listens and the voice it should hear. */
export type Ear = { readonly call: PhoneCall; readonly person: Person }

/**
 * `from` dials `number`, `to` sees `shown`, both hear each other. `meanwhile` runs while they talk; then the caller hangs up.
 */
export async function talk(
  { tell }: Story,
  {
    from,
    to,
    number,
    shown,
    meanwhile,
  }: {
    readonly from: Person
    readonly to: Person
    readonly number: string
    readonly shown: string
    readonly meanwhile?: (caller: PhoneCall, callee: PhoneCall) => Promise<void>
  },
): Promise<void> {
  const outgoing = await from.phone.call(dialled(number))
  const incoming = await to.phone.incoming()
  await outgoing.ringing()
  await answerAndTalk(tell, { outgoing, incoming, from, to, shown, ...(meanwhile && { meanwhile }) })
}

/** The callee's phone rings already: it answers, both hear each other, the caller hangs up. */
export async function answerAndTalk(
  tell: Narrator,
  {
    outgoing,
    incoming,
    from,
    to,
    shown,
    meanwhile,
  }: {
    readonly outgoing: PhoneCall
    readonly incoming: PhoneCall
    readonly from: Person
    readonly to: Person
    readonly shown: string
    readonly meanwhile?: (caller: PhoneCall, callee: PhoneCall) => Promise<void>
  },
): Promise<void> {
  tell.say(`${to.name}’s phone rings. Its display shows:  ┃ ${incoming.whatDisplayShows.number} ┃`)
  tell.check(`${to.name} sees ${dialled(shown)}`, incoming.whatDisplayShows.number === dialled(shown))
  await incoming.answer()
  await outgoing.answered()
  await meanwhile?.(outgoing, incoming)
  // What was heard before was tones, not voices.
  outgoing.forgetAudio()
  incoming.forgetAudio()
  await Promise.all([outgoing.hears(0.6), incoming.hears(0.6)])
  hear(tell, { call: incoming, person: to }, from)
  hear(tell, { call: outgoing, person: from }, to)
  outgoing.hangup()
  await Promise.all([outgoing.ended(), incoming.ended()])
}

/** Checks that an ear hears a voice, and not its own. */
export function hear(tell: Narrator, { call, person }: Ear, voice: Person): void {
  const [loud = 0, quiet = 0] = call.heard([voice.hz, person.hz])
  tell.check(
    `${person.name} hears ${voice.name}`,
    loud > 0.01 && loud > CLEARLY * quiet,
    `${voice.hz} Hz at ${loud.toFixed(3)}, ${person.hz} Hz at ${quiet.toFixed(4)}`,
  )
}

/** Waits until an ear has heard a tone, and checks it. */
export async function hearsTone(
  tell: Narrator,
  claim: string,
  call: PhoneCall,
  hz: number,
  seconds = 0.4,
): Promise<void> {
  let heard = false
  // A call that ends has nothing more to hear: what was heard until then counts.
  for (let waiting = true; waiting && !heard;) {
    const sofar = call.audio().length / SAMPLE_RATE_HZ
    waiting = await call.hears(sofar + 0.1).then(
      () => true,
      () => false,
    )
    heard = longest(call, hz) >= seconds * 1000
  }
  tell.check(claim, heard, `${hz} Hz for ${longest(call, hz)} ms`)
}

const longest = (call: PhoneCall, hz: number): number =>
  Math.max(
    0,
    ...call
      .tonesHeard([hz])
      .filter((run) => run.hz === hz)
      .map((run) => run.durationMs),
  )

/** The caller is refused: hears why (the special information tone), and sees the status. */
export async function refused({ tell }: Story, from: Person, number: string, status: number): Promise<void> {
  const call = await from.phone.call(dialled(number))
  const end = await call.answered().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof CallEndedError) return call.ended()
      throw error
    },
  )
  // A third of a second each, before the spoken text.
  const special = [950, 1400, 1800].map((hz) => longest(call, hz))
  tell.check(
    `${from.name} hears the special information tone`,
    special.every((durationMs) => durationMs > 250),
    `${special.join(', ')} ms`,
  )
  tell.check(
    `then the call is refused with ${status}`,
    end?.status === status,
    end && `${end.status} ${end.reason}`,
  )
}
