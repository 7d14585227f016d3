import type { Narrator } from '../narrator.ts'
import { forwardTo } from './ax.ts'
import { checkHidden, inSmsLaboratory, texted, untexted } from './story.ts'

const X = '+8617000000001'
const NOBODY = '+8613800000029'

/** No binding at all: the customer's server decides each text. */
export async function runSmsXDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline SMS in X: the customer’s server decides each text')
  tell.say('The platform stores no binding. It asks at every text, and does what it is told.')

  tell.step('Start an SMSC with handsets, the platform and a customer’s server')
  await inSmsLaboratory(tell, { x: [X], app: { mode: 'X' } }, async (story) => {
    const { lab, people } = story
    const { customer } = lab
    const { A, B } = people

    tell.step('A and B write to X; the customer’s server sends each text to the other')
    customer.decideSms(({ calling }) => (calling === A.number ? forwardTo(B, A) : forwardTo(A, B)))
    await texted(story, { from: A, to: B, number: X, text: 'Parcel 4711 is at your door.', direction: 1 })
    await texted(story, { from: B, to: A, number: X, text: '谢谢🙏，放门口就行', direction: 1 })

    tell.step('The same as one deployed program answers it: an object instead of an array')
    const [action] = forwardTo(B, A).actions
    customer.decideSms(() => ({ actions: action! }))
    tell.show(JSON.stringify({ actions: action }))
    await texted(story, { from: A, to: B, number: X, text: 'Done.', direction: 1 })

    tell.step('The customer names a number that the network does not know')
    const nowhere = { ...B, name: 'nobody', number: NOBODY }
    customer.decideSms(() => forwardTo(nowhere, A))
    await untexted(story, { from: A, to: nowhere, number: X, text: 'Hello?', result: 10, direction: 1 })

    tell.step('The customer’s server breaks off instead of answering')
    customer.misbehave({ when: ({ path }) => path === '/sms-control', drop: true, times: 1 })
    await untexted(story, { from: A, number: X, text: 'Hello?', result: 7, direction: 1 })

    tell.step('What the handsets have seen')
    checkHidden(tell, A, B)
    checkHidden(tell, B, A)
  })
}
