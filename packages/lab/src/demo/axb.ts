import type { CustomerServer } from '../customer/customer-server.ts'
import { renderLadder } from '../ladder/ladder.ts'
import { CallEndedError } from '../softphone/call-progress.ts'
import type { PhoneCall, Softphone } from '../softphone/types.ts'
import { type Laboratory, openLaboratory } from './laboratory.ts'
import type { Narrator } from './narrator.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const STRANGER = '+8613800000023'
const X = '+8617000000001'
const AXB = '/rest/caas/relationnumber/partners/v1.0'
/** The tones that stand for the voices. */
const VOICE = { a: 440, b: 1000, stranger: 600 } as const
/** A tone counts as heard when it is ten times as loud as any other voice. */
const CLEARLY = 10

const dialled = (number: string): string => number.slice('+86'.length)

/** Bind, call, listen, call back, refuse a stranger, unbind: the whole of AXB on one machine. */
export async function runAxbDemo(tell: Narrator, look: { colour: boolean; width: number }): Promise<void> {
  tell.title('Maskline: a masked call, from bind to bill, on this machine')
  tell.say('A passenger A and a driver B talk through a virtual number X. Neither sees the other’s number.')

  tell.step('Start the platform, a customer’s server and three phones (loopback, temporary data)')
  const lab = await openLaboratory({ x: [X] })
  try {
    const { platform, customer } = lab
    const a = await lab.phone(A, VOICE.a)
    const b = await lab.phone(B, VOICE.b)
    const stranger = await lab.phone(STRANGER, VOICE.stranger)
    tell.say(
      `SIP ${platform.sip.host}:${platform.sip.port}   API http://127.0.0.1:${platform.api.httpPort}   pushes to ${customer.url}`,
    )
    tell.say(`A = ${A}, speaks ${VOICE.a} Hz    B = ${B}, speaks ${VOICE.b} Hz    X = ${X}`)

    await bind(tell, lab)
    const sessions = new Set<string>()

    tell.step(`A dials X (${dialled(X)})`)
    const callStarts = performance.now()
    await talk(tell, { from: a, to: b, hears: VOICE, names: ['A', 'B'] })
    const ladder = renderLadder(
      [...a.messages(), ...b.messages()]
        .filter((message) => message.atMs >= callStarts)
        .toSorted((m, n) => m.atMs - n.atMs),
      [
        { label: 'A', addresses: [`${a.address}:${a.port}`] },
        { label: 'Maskline', addresses: [`${platform.sip.host}:${platform.sip.port}`] },
        { label: 'B', addresses: [`${b.address}:${b.port}`] },
      ],
      look,
    )
    await callTold(tell, customer, sessions, { code: 0, events: FULL_CALL, showAll: true })
    tell.say('The SIP ladder, as the two phones saw it:')
    tell.show(ladder)
    const bytes = b.received()
    const traces = [A, dialled(A), `:${a.port}`].filter((trace) => bytes.includes(trace))
    tell.check(
      `nothing of A in the ${bytes.length} bytes that B received`,
      traces.length === 0,
      'SIP, RTP and RTCP searched',
    )

    tell.step('B calls back the same X')
    await talk(tell, { from: b, to: a, hears: { a: VOICE.b, b: VOICE.a }, names: ['B', 'A'] })
    await callTold(tell, customer, sessions, { code: 0, events: FULL_CALL })

    tell.step('A stranger who learned X dials it')
    await refused(tell, stranger, 'the stranger')
    await callTold(tell, customer, sessions, { code: 8014, events: REFUSED_CALL })

    tell.step('The ride is over: unbind, and A dials X again')
    const unbind = await lab.api('DELETE', `${AXB}?relationNum=${encodeURIComponent(X)}`)
    tell.check('unbind answers resultcode "0"', unbind.body.resultcode === '0')
    await refused(tell, a, 'A')
    await callTold(tell, customer, sessions, { code: 8014, events: REFUSED_CALL })
    tell.check(
      'B’s phone did not ring again',
      b.calls.filter((call) => call.direction === 'incoming').length === 1,
    )

    tell.step('What the customer’s server says')
    tell.check('every push was signed and well formed', customer.faults.length === 0, customer.faults[0])
    tell.check('four calls, four CDRs, each once', customer.fees.length === 4 && sessions.size === 4)
  } finally {
    await lab.close()
  }
}

async function bind(tell: Narrator, lab: Laboratory): Promise<void> {
  tell.step('The customer binds A and B to X over HTTP, signed with its key')
  const request = { callerNum: A, calleeNum: B, relationNum: X, duration: 3600, userData: 'ride-4711' }
  tell.show(`POST ${AXB}\n${JSON.stringify(request)}`)
  const answer = await lab.api('POST', AXB, request)
  tell.show(`${answer.status}  ${JSON.stringify(answer.body)}`)
  tell.check(
    'the bind answers resultcode "0" and a subscriptionId',
    answer.body.resultcode === '0' && typeof answer.body.subscriptionId === 'string',
  )
}

type Talk = {
  readonly from: Softphone
  readonly to: Softphone
  /** Tone of the caller (`a`) and of the callee (`b`). */
  readonly hears: { readonly a: number; readonly b: number }
  readonly names: readonly [string, string]
}

async function talk(tell: Narrator, { from, to, hears, names }: Talk): Promise<void> {
  const [caller, callee] = names
  const outgoing = await from.call(dialled(X))
  const incoming = await to.incoming()
  await outgoing.ringing()
  tell.say(`${callee}’s phone rings. Its display shows:  ┃ ${incoming.whatDisplayShows.number} ┃`)
  tell.check(`${callee} sees X`, incoming.whatDisplayShows.number === dialled(X))
  await incoming.answer()
  await outgoing.answered()
  await Promise.all([outgoing.hears(0.6), incoming.hears(0.6)])
  hear(tell, callee, caller, incoming, hears.a, hears.b)
  hear(tell, caller, callee, outgoing, hears.b, hears.a)
  outgoing.hangup()
  await Promise.all([outgoing.ended(), incoming.ended()])
}

function hear(
  tell: Narrator,
  ear: string,
  voice: string,
  call: PhoneCall,
  expected: number,
  other: number,
): void {
  const [loud = 0, quiet = 0] = call.heard([expected, other])
  tell.check(
    `${ear} hears ${voice}`,
    loud > 0.01 && loud > CLEARLY * quiet,
    `${expected} Hz at ${loud.toFixed(3)}, ${other} Hz at ${quiet.toFixed(4)}`,
  )
}

async function refused(tell: Narrator, phone: Softphone, name: string): Promise<void> {
  const call = await phone.call(dialled(X))
  const end = await call.answered().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof CallEndedError) return call.ended()
      throw error
    },
  )
  const special = call.heard([950, 1400, 1800])
  tell.check(
    `${name} hears the special information tone`,
    special.every((amplitude) => amplitude > 0.01),
    special.map((v) => v.toFixed(3)).join(', '),
  )
  tell.check(`then the call is refused with 404`, end?.status === 404, end && `${end.status} ${end.reason}`)
}

const FULL_CALL = ['callin', 'callout', 'alerting', 'answer', 'disconnect']
const REFUSED_CALL = ['callin', 'disconnect']

/** Waits for the CDR of the call that is not in `sessions` yet, and compares its events. */
async function callTold(
  tell: Narrator,
  customer: CustomerServer,
  sessions: Set<string>,
  expected: { readonly code: number; readonly events: readonly string[]; readonly showAll?: boolean },
): Promise<void> {
  await customer.waitFor((c) => c.fees.length > sessions.size, 'the CDR of the call')
  const fee = customer.fees.find((candidate) => !sessions.has(candidate.sessionId))!
  sessions.add(fee.sessionId)
  const events = customer.events.filter((event) => event.statusInfo.sessionId === fee.sessionId)
  if (expected.showAll) {
    tell.say('The customer’s server received these events, each signed:')
    for (const event of events) tell.show(JSON.stringify(event))
    tell.say('and this CDR:')
    tell.show(JSON.stringify({ eventType: 'fee', feeLst: [fee] }))
  }
  const names = events.map((event) => event.eventType)
  tell.check(
    `events: ${expected.events.join(', ')}; then the CDR`,
    names.join() === expected.events.join(),
    names.join(', '),
  )
  const code = events.at(-1)?.statusInfo.stateCode
  tell.check(
    `release code ${expected.code} in the disconnect event, ${expected.code} as release point in the CDR`,
    code === expected.code && fee.ulFailReason === expected.code,
  )
}
