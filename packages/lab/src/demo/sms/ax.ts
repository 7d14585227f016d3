import type { Narrator } from '../narrator.ts'
import { dialled } from '../story.ts'
import { checkHidden, inSmsLaboratory, texted, type Texter, untexted } from './story.ts'

const X = '+8617000000001'
const AX = '/rest/provision/caas/privatenumber/v1.0'

/** Anyone texts A through X; A answers by a tail, or the customer's server says to whom. */
export async function runSmsAxDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline SMS in AX: one person behind a virtual number')
  tell.say(
    'Whoever writes to X reaches A. A writes to X too, and says at the end for whom it is: @ and a number.',
  )

  tell.step('Start an SMSC with three handsets, the platform and a customer’s server')
  await inSmsLaboratory(tell, { x: [X], app: { mode: 'AX' } }, async (story) => {
    const { ask, lab, people } = story
    const { A, B, C } = people

    tell.step('The customer binds A to an X of Shenzhen')
    await ask('the bind', 'POST', AX, {
      origNum: A.number,
      areaCode: '0755',
      privateNumType: 'mobile-virtual',
    })

    tell.step('B writes to X: A reads it with B’s number behind it, as the documents want it')
    const question = 'Is the flat still free?'
    const shows = `${question}[From${dialled(B.number)}]`
    await texted(story, { from: B, to: A, number: X, text: question, shows, direction: 0 })

    tell.step('A answers B: the tail names the receiver, and goes no further')
    const answer = '还在，明天下午三点可以看房😊'
    const text = `${answer}@${dialled(B.number)}`
    await texted(story, { from: A, to: B, number: X, text, shows: answer, direction: 1 })

    tell.step('A writes without a tail: the customer’s server is asked, and says to C')
    const route = forwardTo(C, A)
    lab.customer.decideSms(() => route)
    tell.show(JSON.stringify(route))
    await texted(story, { from: A, to: C, number: X, text: 'The keys are in the box.', direction: 1 })
    const asked = lab.customer.sms.find(({ notificationMode }) => notificationMode === 'Block')
    tell.check(
      'it was asked once, with the text, and knew no receiver yet',
      asked?.smsContent === 'The keys are in the box.' && asked.called === undefined,
    )

    tell.step('The next time it says: discard')
    const discard = { actions: [{ operation: 'DiscardMessage' }] }
    lab.customer.decideSms(() => discard)
    tell.show(JSON.stringify(discard))
    await untexted(story, { from: A, number: X, text: 'Never mind.', result: 6, direction: 1 })

    tell.step('Unbind: X is nobody’s')
    await ask('the unbind', 'DELETE', `${AX}?privateNum=${encodeURIComponent(X)}`)
    await untexted(story, { from: B, number: X, text: 'Are you there?', result: 2, direction: 2 })

    tell.step('What the handsets have seen')
    checkHidden(tell, A, B)
    checkHidden(tell, A, C)
  })
}

/** The answer to a Block that sends the text on. */
export const forwardTo = (to: Texter, from: Texter) => ({
  actions: [{ operation: 'vNumberRoute', message: { called: to.number, calling: from.number } }],
})
