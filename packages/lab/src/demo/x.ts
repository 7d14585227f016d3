import type { Narrator } from './narrator.ts'
import { hearsTone, dialled, inLaboratory, TALK, REFUSED, talk } from './story.ts'

const X = '+8617000000001'
const TONES = { 'bye.wav': { hz: 850, seconds: 0.8 } } as const

/** No binding at all: the customer's server decides each call. */
export async function runXDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline X: the customer’s server decides each call')
  tell.say('The platform stores no binding. It asks at every call, and does what it is told.')

  tell.step('Start the platform, a customer’s server and two phones')
  await inLaboratory(tell, { x: [X], app: { mode: 'X' }, tones: TONES }, async (story) => {
    const { lab, told } = story
    const [a, b] = [await story.person('A'), await story.person('B')]

    tell.step('A dials X; the customer’s server is asked, and says: connect to B')
    const connect = {
      operation: 'connect',
      connectInfo: { displayCalleeNum: X, calleeNum: b.number, maxDuration: 60, userData: 'order-1' },
    }
    lab.customer.decide(() => connect)
    tell.show(JSON.stringify(connect))
    await talk(story, { from: a, to: b, number: X, shown: X })
    const { fee } = await told({ code: 0, events: TALK })
    tell.check(
      'the CDR carries the customer’s data and says Block',
      fee.userData === 'order-1' && fee.notifyMode === 'Block',
    )

    tell.step('A dials X again; this time the answer is: close, with a farewell')
    const close = { operation: 'close', closeInfo: { closeHintTone: 'bye.wav' } }
    // As one official sample sends it: in an array of one element.
    lab.customer.decide(() => ({ ...close, closeInfo: [close.closeInfo] }))
    tell.show(JSON.stringify(close))
    const call = await a.phone.call(dialled(X))
    await hearsTone(tell, 'A hears the farewell', call, TONES['bye.wav'].hz)
    await call.ended()
    await told({ code: 8017, events: REFUSED })

    tell.step('The customer’s server says nothing useful: the call ends, and is billed as such')
    lab.customer.decide(() => ({ hello: 'world' }))
    const lost = await a.phone.call(dialled(X))
    await lost.ended()
    await told({ code: 8014, events: REFUSED })
  })
}
