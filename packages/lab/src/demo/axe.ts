import type { Narrator } from './narrator.ts'
import {
  answerAndTalk,
  dialled,
  hearsTone,
  inLaboratory,
  type Person,
  type Story,
  TALK,
  talk,
} from './story.ts'

const X = '+8617000000001'
const AXE = '/rest/caas/extendnumber/v1.0'

/** The prompt asks with this tone here, so that an ear can tell it. */
const TONES = { 'prompt.wav': { hz: 700, seconds: 1 }, 'wrong.wav': { hz: 850, seconds: 0.6 } } as const

/** Many people behind one X, each with an extension. */
export async function runAxeDemo(tell: Narrator): Promise<void> {
  tell.title('Maskline AXE: many people behind one virtual number, each with an extension')
  tell.say('Couriers A share one X. Who calls X is asked for an extension; a courier who dials X calls back.')

  tell.step('Start the platform, a customer’s server and three phones')
  const app = {
    mode: 'AXE',
    axe: { promptTone: 'prompt.wav', wrongTone: 'wrong.wav', repeatCount: 1 },
  } as const
  await inLaboratory(tell, { x: [X], app, tones: TONES }, async (story) => {
    const { ask, told } = story
    const [a, b] = [await story.person('A'), await story.person('B')]

    tell.step('The customer binds A to X; the platform gives an extension')
    const bound = await ask('the bind', 'POST', AXE, {
      virtualNum: X,
      bindNum: a.number,
      callbackExpiredTime: 24,
    })
    const extension = String(bound.extendNum)
    tell.check('the extension has four digits', /^\d{4}$/.test(extension), extension)

    tell.step(`B dials X, hears the prompt and keys ${extension}`)
    await callWithExtension(story, b, a, [extension])
    const { fee } = await told({ code: 0, events: ['callin', 'collectInfo', ...TALK.slice(1)] })
    tell.check('the CDR names the extension', fee.extendNum === extension)

    tell.step('B keys a wrong extension first, then the right one')
    const wrong = extension === '0009' ? '0008' : '0009'
    await callWithExtension(story, b, a, [wrong, extension])
    await told({ code: 0, events: ['callin', 'collectInfo', 'collectInfo', ...TALK.slice(1)] })

    tell.step('A dials X: whoever called A last is called back, without a prompt')
    await talk(story, { from: a, to: b, number: X, shown: X })
    await told({ code: 0, events: TALK })
  })
}

/** Keys one extension after each prompt; the last one leads to `to`. */
async function callWithExtension(
  { tell }: Story,
  from: Person,
  to: Person,
  extensions: readonly string[],
): Promise<void> {
  const outgoing = await from.phone.call(dialled(X))
  await outgoing.answered()
  for (const [attempt, digits] of extensions.entries()) {
    const again = attempt > 0
    const { hz } = again ? TONES['wrong.wav'] : TONES['prompt.wav']
    await hearsTone(
      tell,
      `${from.name} hears the ${again ? 'tone for a wrong extension' : 'prompt'}`,
      outgoing,
      hz,
    )
    await outgoing.sendDigits(digits)
  }
  const incoming = await to.phone.incoming()
  await answerAndTalk(tell, { outgoing, incoming, from, to, shown: X })
}
