import type { SmsEvent } from '../../customer/sms-body.ts'
import type { Narrator } from '../narrator.ts'
import { dialled, PEOPLE } from '../story.ts'
import { checkHidden, inSmsLaboratory, type SmsStory, texted, untexted, write } from './story.ts'

const X = '+8617000000001'
const AXB = '/rest/caas/relationnumber/partners/v1.0'
const LONG =
  '我在小区北门等你，白色的车🚗，打着双闪。雨下得很大☔，你先别出来，到了我再发消息；要是找不到，' +
  '就看保安亭旁边那棵大树🌳，树下有位戴红帽子的大爷👴🏻，他会给你指路。路上小心！'

/** A and B text each other through X; neither sees the other's number. */
export async function runSmsAxbDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline SMS in AXB: two people text each other through a virtual number')
  tell.say('A passenger A and a driver B write to X. Each reads the other’s text as one that came from X.')

  tell.step('Start an SMSC with three handsets, the platform and a customer’s server')
  await inSmsLaboratory(tell, { x: [X], app: { smsForbiddenWords: ['加微信'] } }, async (story) => {
    const { ask, lab, network, people, told } = story
    const { A, B, C } = people
    tell.say(`A = ${A.number}    B = ${B.number}    C = ${C.number}    X = ${X}`)

    tell.step('The customer binds A and B to X')
    await ask('the bind', 'POST', AXB, { callerNum: A.number, calleeNum: B.number, relationNum: X })

    tell.step('A writes to X')
    const notify = await texted(story, { from: A, to: B, number: X, text: 'Where are you?', direction: 1 })
    tell.say('The customer’s server received this, signed:')
    tell.show(JSON.stringify({ appKey: lab.app.key, smsEvent: notify }))

    tell.step('B answers to the same X, at length: Chinese and emoji, several SMS that arrive as one text')
    const long = await texted(story, { from: B, to: A, number: X, text: LONG, direction: 0 })

    tell.step('C, whom nobody bound, writes to X')
    await untexted(story, { from: C, number: X, text: 'Hello?', result: 2, direction: 2 })

    tell.step('A writes a word that the customer’s app forbids')
    await untexted(story, { from: A, number: X, text: '加微信聊吧', result: 13, direction: 1 })

    tell.step(
      'B’s handset is off when A writes: the network takes the text, and says later that it was in vain',
    )
    B.handset.switchOff()
    await write(tell, A, X, 'I see you!')
    await told({ from: A, to: B, text: 'I see you!', result: 0, segments: 1, direction: 1 })
    tell.check('B has read one text so far', B.handset.inbox.length === 1)
    await network.receiptsTold()

    tell.step('What the operator sees: the details of X’s SMS, newest first')
    await checkDetails(story, long)

    tell.step('What the handsets have seen')
    checkHidden(tell, A, B)
    checkHidden(tell, B, A)
  })
}

type Details = Readonly<Record<'id' | 'sender' | 'receiver', string>> & {
  readonly result: number
  readonly segments: number
}
type Part = { readonly state: string; readonly receipt?: string }

async function checkDetails({ tell, lab }: SmsStory, long: SmsEvent): Promise<void> {
  const path = `/v1/sms?x=${encodeURIComponent(X)}`
  tell.show(`GET ${path}`)
  const { body } = await lab.admin(path)
  const list = body.sms as readonly Details[]
  for (const { sender, receiver = '–', result, segments } of list)
    tell.show(`${sender} → ${receiver}  sendResult ${result}, ${segments} SMS`)
  tell.check(
    'five SMS with their results',
    list.map(({ result }) => result).join() === '0,13,2,0,0',
    list.map(({ result }) => result).join(', '),
  )
  const shown = JSON.stringify(body)
  tell.check(
    'no real number is in them',
    Object.values(PEOPLE).every(({ number }) => !shown.includes(dialled(number))),
  )
  const partsOf = async (id: string): Promise<readonly Part[]> =>
    (await lab.admin(`/v1/sms/${id}`)).body.parts as readonly Part[]
  const parts = await partsOf(long.smsIdentifier)
  tell.check(
    `the long one: ${parts.length} parts, each accepted by the SMSC and delivered`,
    parts.length > 1 && parts.every(({ state, receipt }) => state === 'accepted' && receipt === 'delivered'),
  )
  const [lost] = await partsOf(list[0]!.id)
  tell.check(
    'the one to the handset that was off: accepted, undeliverable',
    lost?.state === 'accepted' && lost.receipt === 'undeliverable',
    `${lost?.state}, ${lost?.receipt}`,
  )
}
