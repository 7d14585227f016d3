import { renderLadder } from '../ladder/ladder.ts'
import type { Narrator } from './narrator.ts'
import { dialled, inLaboratory, type Person, REFUSED, refused, type Story, TALK, talk } from './story.ts'

const X = '+8617000000001'
const AXB = '/rest/caas/relationnumber/partners/v1.0'

export type Look = { readonly colour: boolean; readonly width: number }

/** Bind, call, listen, call back, refuse a stranger, unbind: the whole of AXB on one machine. */
export async function runAxbDemo(tell: Narrator, look: Look): Promise<void> {
  tell.title('Maskline: a masked call, from bind to bill, on this machine')
  tell.say('A passenger A and a driver B talk through a virtual number X. Neither sees the other’s number.')

  tell.step('Start the platform, a customer’s server and three phones (loopback, temporary data)')
  await inLaboratory(tell, { x: [X] }, async (story) => {
    const { lab, ask, told } = story
    const { platform, customer } = lab
    const [a, b, stranger] = [await story.person('A'), await story.person('B'), await story.person('C')]
    tell.say(
      `SIP ${platform.sip.host}:${platform.sip.port}   API http://127.0.0.1:${platform.api.httpPort}   pushes to ${customer.url}`,
    )
    tell.say(`A = ${a.number}, speaks ${a.hz} Hz    B = ${b.number}, speaks ${b.hz} Hz    X = ${X}`)

    tell.step('The customer binds A and B to X over HTTP, signed with its key')
    const bound = await ask('the bind', 'POST', AXB, {
      callerNum: a.number,
      calleeNum: b.number,
      relationNum: X,
      duration: 3600,
      userData: 'ride-4711',
    })
    tell.check('the answer names the binding', typeof bound.subscriptionId === 'string')

    tell.step(`A dials X (${dialled(X)})`)
    const callStarts = performance.now()
    await talk(story, { from: a, to: b, number: X, shown: X })
    const { events, fee } = await told({ code: 0, events: TALK })
    tell.say('The customer’s server received these events, each signed:')
    for (const event of events) tell.show(JSON.stringify(event))
    tell.say('and this CDR:')
    tell.show(JSON.stringify({ eventType: 'fee', feeLst: [fee] }))
    showLadder(story, a, b, callStarts, look)
    const bytes = b.phone.received()
    const traces = [a.number, dialled(a.number), `:${a.phone.port}`].filter((trace) => bytes.includes(trace))
    tell.check(
      `nothing of A in the ${bytes.length} bytes that B received`,
      traces.length === 0,
      'SIP, RTP and RTCP searched',
    )

    tell.step('B calls back the same X')
    await talk(story, { from: b, to: a, number: X, shown: X })
    await told({ code: 0, events: TALK })

    tell.step('A stranger who learned X dials it')
    await refused(story, stranger, X, 404)
    await told({ code: 8014, events: REFUSED })

    tell.step('The ride is over: unbind, and A dials X again')
    await ask('the unbind', 'DELETE', `${AXB}?relationNum=${encodeURIComponent(X)}`)
    await refused(story, a, X, 404)
    await told({ code: 8014, events: REFUSED })
    tell.check(
      'B’s phone did not ring again',
      b.phone.calls.filter((call) => call.direction === 'incoming').length === 1,
    )
  })
}

function showLadder({ tell, lab }: Story, a: Person, b: Person, since: number, look: Look): void {
  const { sip } = lab.platform
  const ladder = renderLadder(
    [...a.phone.messages(), ...b.phone.messages()]
      .filter((message) => message.atMs >= since)
      .toSorted((m, n) => m.atMs - n.atMs),
    [
      { label: 'A', addresses: [`${a.phone.address}:${a.phone.port}`] },
      { label: 'Maskline', addresses: [`${sip.host}:${sip.port}`] },
      { label: 'B', addresses: [`${b.phone.address}:${b.phone.port}`] },
    ],
    look,
  )
  tell.say('The SIP ladder, as the two phones saw it:')
  tell.show(ladder)
}
