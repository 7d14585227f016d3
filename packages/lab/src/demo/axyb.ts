import type { Narrator } from './narrator.ts'
import { inLaboratory, REFUSED, refused, type Story, TALK, talk } from './story.ts'

const X_NUMBERS = ['+8617000000001', '+8617000000002', '+8617000000003'] as const
const AXYB = '/rest/omp/xyrelationnumber/v1.0'

/** Two people, each behind a number of its own. */
export async function runAxybDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline AXYB: each of two people behind a number of its own')
  tell.say('A shows X to B, B shows Y to A: whatever goes to A goes through X, whatever goes to B through Y.')

  tell.step('Start the platform, a customer’s server and three phones')
  await inLaboratory(tell, { x: X_NUMBERS, app: { mode: 'AXYB' } }, async (story) => {
    const { lab, ask, told } = story
    const path = `${AXYB}?app_key=${lab.app.key}`
    const [a, b, c] = [await story.person('A'), await story.person('B'), await story.person('C')]

    tell.step('The customer binds A to an X, then B to a Y of that relation')
    const first = await ask('the bind of A and X', 'POST', path, { origNum: a.number, areaCode: '0755' })
    const x = String(first.relationNumber)
    const second = await ask('the bind of Y and B', 'POST', path, {
      origNum: b.number,
      subscriptionId: first.subscriptionId,
      areaCode: '0755',
    })
    const y = String(second.relationNumber)
    tell.check(
      'X and Y are two numbers, the relation has one id',
      x !== y && first.subscriptionId === second.subscriptionId,
    )

    tell.step('B dials X: A rings and sees Y')
    await talk(story, { from: b, to: a, number: x, shown: y })
    await told({ code: 0, events: TALK })

    tell.step('A dials Y: B rings and sees X')
    await talk(story, { from: a, to: b, number: y, shown: x })
    await told({ code: 0, events: TALK })

    tell.step('C, whom nobody bound, dials X: the platform gives C a Y of its own during the call')
    const given = X_NUMBERS.find((number) => number !== x && number !== y)!
    await talk(story, { from: c, to: a, number: x, shown: given })
    await told({ code: 0, events: TALK })
    await callBack(story, path, String(first.subscriptionId))

    tell.step('A dials its own X')
    await refused(story, a, x, 403)
    await told({ code: 8032, events: REFUSED })

    tell.step('Unbind: the relation and its pairs are gone')
    await ask('the unbind', 'DELETE', `${path}&subscriptionId=${String(first.subscriptionId)}`)
    await refused(story, b, x, 404)
    await told({ code: 8030, events: REFUSED })
  })
}

async function callBack({ ask, tell }: Story, path: string, id: string): Promise<void> {
  const { xyRelationNumList: list } = await ask('the query', 'GET', `${path}&subscriptionId=${id}`)
  tell.check('the query lists both pairs', Array.isArray(list) && list.length === 2)
}
