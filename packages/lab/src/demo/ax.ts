import type { Narrator } from './narrator.ts'
import { inLaboratory, REFUSED, refused, TALK, talk } from './story.ts'

const X = '+8617000000001'
const AX = '/rest/provision/caas/privatenumber/v1.0'
const CALLEE = '/rest/caas/privatenumber/calleenumber/v1.0'

/** One person behind an X: others call in, the customer's server says whom A calls out to. */
export async function runAxDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline AX: one person behind a virtual number')
  tell.say('A landlord A is reached through X by anyone, and calls out through X to whom the customer names.')

  tell.step('Start the platform, a customer’s server and three phones')
  await inLaboratory(tell, { x: [X], app: { mode: 'AX' } }, async (story) => {
    const { ask, told } = story
    const [a, b, c] = [await story.person('A'), await story.person('B'), await story.person('C')]

    tell.step('The customer binds A to an X of Shenzhen')
    const bound = await ask('the bind', 'POST', AX, {
      origNum: a.number,
      areaCode: '0755',
      privateNumType: 'mobile-virtual',
    })
    tell.check('X was chosen by area', bound.privateNum === X)

    tell.step('B dials X and reaches A')
    await talk(story, { from: b, to: a, number: X, shown: X })
    await told({ code: 0, events: TALK })

    tell.step('While B and A talk, C dials X: one call at a time')
    await talk(story, {
      from: b,
      to: a,
      number: X,
      shown: X,
      meanwhile: async () => {
        await refused(story, c, X, 486)
        await told({ code: 8102, events: REFUSED })
      },
    })
    await told({ code: 0, events: TALK })

    tell.step('A dials X, but nobody has said whom to reach')
    await refused(story, a, X, 404)
    await told({ code: 8013, events: REFUSED })

    tell.step('The customer sets C as the callee of A’s next call; A dials X')
    await ask('the temporary callee', 'PUT', CALLEE, { privateNum: X, calleeNum: c.number, duration: 60 })
    await talk(story, { from: a, to: c, number: X, shown: X })
    await told({ code: 0, events: TALK })

    tell.step('It held for that one call: A dials again')
    await refused(story, a, X, 404)
    await told({ code: 8013, events: REFUSED })

    tell.step('Unbind: X is nobody’s')
    await ask('the unbind', 'DELETE', `${AX}?privateNum=${encodeURIComponent(X)}`)
    await refused(story, b, X, 403)
    await told({ code: 8018, events: REFUSED })
  })
}
