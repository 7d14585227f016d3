import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory, type PhoneCall, type Softphone } from '@maskline/lab'
import { decodeG711, readWav, SAMPLE_RATE_HZ } from '@maskline/media'
import { hearsTone, tonesIn } from './support/ear.ts'
import { openSilentCarrier } from './support/silent-carrier.ts'
import { listenTo, type Listener, type Told } from './support/told.ts'

/** Calls to an extension and back, with real phones: who hears which tone, and what the customer is told. */

const AXE = '/rest/caas/extendnumber/v1.0'
const X = '+8617000000001'
/** An X whose A has no call-back record. */
const QUIET_X = '+8617000000002'
const A = { number: '+8613800000021', hz: 440 } as const
const B = { number: '+8613800000022', hz: 1000 } as const
const C = { number: '+8613800000023', hz: 600 } as const
/** Whom no phone is registered for. */
const ABSENT = '+8613800000029'
const EXTENSION = '1234'
const WRONG = '5678'

const TONES = {
  'prompt.wav': { hz: 700, seconds: 1.5 },
  'wrong.wav': { hz: 850, seconds: 1.5 },
  'wrong-end.wav': { hz: 1150, seconds: 0.5 },
  'empty-end.wav': { hz: 1250, seconds: 0.5 },
  'waiting.wav': { hz: 1350, seconds: 1 },
  'hint.wav': { hz: 1500, seconds: 0.5 },
  'callback.wav': { hz: 1650, seconds: 0.5 },
  'no-callback.wav': { hz: 1750, seconds: 0.5 },
} as const
const PROMPT = TONES['prompt.wav'].hz
const AGAIN = TONES['wrong.wav'].hz
const WRONG_END = TONES['wrong-end.wav'].hz
const EMPTY_END = TONES['empty-end.wav'].hz
const WAITING = TONES['waiting.wav'].hz
const HINT = TONES['hint.wav'].hz
const RING_BACK = 450
const ALL = [...Object.values(TONES).map(({ hz }) => hz), RING_BACK]

const national = (number: string): string => number.slice('+86'.length)
const promptFile = '../packages/server/assets/prompts/en/extension_prompt.wav'
const BUILT_IN_PROMPT = decodeG711(
  'alaw',
  readWav(readFileSync(path.join(import.meta.dirname, promptFile))).samples as Uint8Array,
)

const CALLED = ['callin', 'collectInfo', 'callout', 'alerting', 'answer', 'disconnect']
const CALLS_BACK = ['callin', 'callout', 'alerting', 'answer', 'disconnect']

type Scene = {
  readonly lab: Laboratory
  readonly a: Softphone
  readonly b: Softphone
  readonly told: Listener
  readonly subscriptionId: string
}
type LaboratoryOptions = Parameters<typeof openLaboratory>[0]

/** A laboratory in which A is bound with EXTENSION. */
async function inScene(
  options: Omit<LaboratoryOptions, 'x' | 'tones'> & { readonly bind?: object },
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  const lab = await openLaboratory({
    ...options,
    x: [X, QUIET_X],
    tones: TONES,
    app: { mode: 'AXE', ...options.app },
  })
  try {
    const [a, b] = await Promise.all([lab.phone(A.number, A.hz), lab.phone(B.number, B.hz)])
    const binding = { virtualNum: X, bindNum: A.number, extendNum: EXTENSION, ...options.bind }
    const subscriptionId = await bind(lab, binding)
    await run({ lab, a, b, told: listenTo(lab.customer), subscriptionId })
    assert.deepEqual(lab.customer.faults, [])
  } finally {
    await lab.close()
  }
}

async function bind(lab: Laboratory, binding: object): Promise<string> {
  const { body } = await lab.api('POST', AXE, binding)
  assert.equal(body.resultcode, '0', JSON.stringify(body))
  return String(body.subscriptionId)
}

const dial = (phone: Softphone, x = X): Promise<PhoneCall> => phone.call(national(x))

/** Dials X and hears it ask. */
async function dialAndHear(phone: Softphone, promptHz: number, x = X): Promise<PhoneCall> {
  const call = await dial(phone, x)
  await call.answered()
  await hearsTone(call, promptHz)
  return call
}

/** The callee answers, and each hears the voice of the other. */
async function talk(outgoing: PhoneCall, heardByCaller: number, incoming: PhoneCall, heardByCallee: number) {
  await Promise.all([incoming.answer(), outgoing.answered()])
  await Promise.all([hearsTone(outgoing, heardByCaller), hearsTone(incoming, heardByCallee)])
}

async function hangUp(outgoing: PhoneCall, incoming: PhoneCall): Promise<void> {
  outgoing.hangup()
  await Promise.all([outgoing.ended(), incoming.ended()])
}

const digitsOf = (events: Told['events']): readonly (string | undefined)[] =>
  events.filter(({ eventType }) => eventType === 'collectInfo').map(({ statusInfo }) => statusInfo.digitInfo)

describe('a call to an extension', () => {
  test('[axe.call.events.called] [axe.call.callout.subscriptionId] [axe.call.events.calls-back] [axe.call.waiting-tone.none] keyed as RFC 4733, in-band or INFO it reaches A, with ring-back meanwhile, and A reaches B without a prompt', async () => {
    await inScene({ app: { axe: { promptTone: 'prompt.wav' } } }, async ({ a, b, told, subscriptionId }) => {
      for (const how of ['event', 'in-band', 'info'] as const) {
        const outgoing = await dialAndHear(b, PROMPT)
        await outgoing.sendDigits(EXTENSION, how)
        const incoming = await a.incoming()
        assert.equal(incoming.whatDisplayShows.number, national(X), how)
        await hearsTone(outgoing, RING_BACK)
        assert.deepEqual(tonesIn(outgoing, ALL), [PROMPT, RING_BACK], how)
        await talk(outgoing, A.hz, incoming, B.hz)
        await hangUp(outgoing, incoming)
        const { events, types, code, fee } = await told()
        assert.deepEqual(types, CALLED, how)
        assert.deepEqual(digitsOf(events), [EXTENSION], how)
        assert.deepEqual(
          events.map(({ statusInfo }) => statusInfo.subscriptionId),
          [undefined, undefined, ...Array.from({ length: 4 }, () => subscriptionId)],
        )
        assert.deepEqual([code, fee.extendNum, fee.subscriptionId], [0, EXTENSION, subscriptionId])
      }

      const back = await dial(a)
      const incoming = await b.incoming()
      assert.equal(incoming.whatDisplayShows.number, national(X))
      await talk(back, B.hz, incoming, A.hz)
      await hangUp(back, incoming)
      assert.deepEqual(tonesIn(back, ALL), [])
      const { types, code } = await told()
      assert.deepEqual([types, code], [CALLS_BACK, 0])
    })
  })

  test('[tone.axe.prompt] [tone.axe.wrong] [tone.axe.wrong-end] the prompt asks, wrongTone asks again, wrongEndTone ends the call; without it nothing more is heard', async () => {
    const axe = { promptTone: 'prompt.wav', wrongTone: 'wrong.wav', repeatCount: 1 } as const
    await inScene({ app: { axe: { ...axe, wrongEndTone: 'wrong-end.wav' } } }, async (scene) => {
      const { lab, b, told } = scene
      await wrongTwice(b, AGAIN, [PROMPT, AGAIN, WRONG_END])
      const { types, events, code } = await told()
      assert.deepEqual(types, ['callin', 'collectInfo', 'collectInfo', 'disconnect'])
      assert.deepEqual([digitsOf(events), code], [[WRONG, WRONG], 8022])

      await changeAxe(lab, axe)
      await wrongTwice(b, AGAIN, [PROMPT, AGAIN])
      assert.equal((await told()).code, 8022)
    })
  })

  test('[tone.axe.prompt] [tone.axe.wrong.unset] an app without a prompt has the built-in one; without wrongTone the prompt is repeated', async () => {
    await inScene(
      { app: { axe: { repeatCount: 1 } }, env: { MASKLINE_ANNOUNCEMENT_LANGUAGE: 'en' } },
      async (scene) => {
        const { lab, b, told } = scene
        const call = await dial(b)
        await call.answered()
        await hearsSamples(call, BUILT_IN_PROMPT)
        call.hangup()
        await told()

        await changeAxe(lab, { promptTone: 'prompt.wav', repeatCount: 1 })
        await wrongTwice(b, PROMPT, [PROMPT])
        assert.equal((await told()).code, 8022)
      },
    )
  })

  test('[tone.axe.empty] [tone.axe.empty-end] who keys nothing is asked again, and hears emptyEndTone at the end; without it wrongEndTone', async () => {
    const axe = {
      promptTone: 'prompt.wav',
      wrongTone: 'wrong.wav',
      wrongEndTone: 'wrong-end.wav',
      emptyEndTone: 'empty-end.wav',
      repeatCount: 0,
    } as const
    await inScene({ app: { axe } }, async ({ lab, b, told }) => {
      // The first call waits the ten seconds for the first digit; the second ends its attempts by `#`, side by side with it.
      const once = await dialAndHear(b, PROMPT)
      const { emptyEndTone: _, ...without } = axe
      await changeAxe(lab, { ...without, repeatCount: 1 })
      const twice = await dialAndHear(await lab.phone(C.number, C.hz), PROMPT)
      for (const attempt of [1, 2]) {
        await twice.hears(attempt * TONES['prompt.wav'].seconds)
        // One of them ends the attempt; those before come while the prompt plays, those after during the next tone.
        await twice.sendDigits('###')
      }
      await Promise.all([once.ended(), twice.ended()])
      assert.deepEqual(tonesIn(once, ALL), [PROMPT, EMPTY_END])
      // In silence nothing is sent, so the repeated prompt follows the first without a gap.
      assert.deepEqual(tonesIn(twice, ALL), [PROMPT, WRONG_END])
      for (const { types, code } of [await told(), await told()])
        assert.deepEqual([types, code], [['callin', 'disconnect'], 8033])
    })
  })

  test('[tone.axe.waiting] after a right extension the caller hears waitingTone while nothing rings; without one the ring-back', async () => {
    const axe = { promptTone: 'prompt.wav', waitingTone: 'waiting.wav' } as const
    const carrier = await openSilentCarrier()
    try {
      await inScene({ app: { axe }, trunks: [carrier.trunk] }, async ({ lab, a, b, told }) => {
        await bind(lab, { virtualNum: X, bindNum: ABSENT, extendNum: '4321' })
        const waiting = await dialAndHear(b, PROMPT)
        await waiting.sendDigits('4321')
        await hearsTone(waiting, WAITING)
        waiting.hangup()
        assert.deepEqual(tonesIn(waiting, ALL), [PROMPT, WAITING])
        assert.equal((await told()).code, 7501)

        await changeAxe(lab, { promptTone: 'prompt.wav' })
        const ringing = await dialAndHear(b, PROMPT)
        await ringing.sendDigits(EXTENSION)
        const incoming = await a.incoming()
        await hearsTone(ringing, RING_BACK)
        ringing.hangup()
        await incoming.ended()
        assert.deepEqual(tonesIn(ringing, ALL), [PROMPT, RING_BACK])
        assert.equal((await told()).code, 7502)
      })
    } finally {
      await carrier.close()
    }
  })

  test('[tone.axe.recordHintTone] a recorded call begins with the hint in both ears, and without a hint with nothing', async () => {
    const app = { recordingEnabled: true, axe: { promptTone: 'prompt.wav' } } as const
    const hinted = { recordFlag: 'true', recordHintTone: 'hint.wav' }
    await inScene({ app, bind: hinted }, async ({ lab, a, b, told }) => {
      const unhinted = { virtualNum: QUIET_X, bindNum: A.number, extendNum: EXTENSION, recordFlag: 'true' }
      await bind(lab, unhinted)
      const reach = async (x: string): Promise<readonly [PhoneCall, PhoneCall]> => {
        const outgoing = await dialAndHear(b, PROMPT, x)
        await outgoing.sendDigits(EXTENSION)
        return [outgoing, await a.incoming()]
      }
      const [outgoing, incoming] = await reach(X)
      await Promise.all([incoming.answer(), outgoing.answered()])
      await Promise.all([hearsTone(outgoing, HINT), hearsTone(incoming, HINT)])
      await hangUp(outgoing, incoming)
      assert.equal((await told()).code, 0)

      const [caller, callee] = await reach(QUIET_X)
      await talk(caller, A.hz, callee, B.hz)
      await hangUp(caller, callee)
      assert.deepEqual([tonesIn(caller, [HINT]), tonesIn(callee, [HINT])], [[], []])
      assert.equal((await told()).code, 0)
    })
  })
})

test('[tone.axe.callbackTone] [tone.axe.no-callback] A without a call-back record hears callbackTone, else noCallbackTone of the app, else nothing', async () => {
  const axe = { noCallbackTone: 'no-callback.wav' } as const
  await inScene({ app: { axe }, bind: { callbackTone: 'callback.wav' } }, async ({ lab, a, told }) => {
    await bind(lab, { virtualNum: QUIET_X, bindNum: A.number })
    const hearing = async (x: string): Promise<readonly number[]> => {
      const call = await dial(a, x)
      await call.ended()
      const { types, code } = await told()
      assert.deepEqual([types, code], [['callin', 'disconnect'], 8019])
      return tonesIn(call, ALL)
    }
    assert.deepEqual(await hearing(X), [TONES['callback.wav'].hz])
    assert.deepEqual(await hearing(QUIET_X), [TONES['no-callback.wav'].hz])
    await changeAxe(lab, {})
    assert.deepEqual(await hearing(QUIET_X), [])
  })
})

/** Keys a wrong extension twice; `againHz` asks for the second one. Checks all that was heard until the end. */
async function wrongTwice(phone: Softphone, againHz: number, heard: readonly number[]): Promise<void> {
  const call = await dialAndHear(phone, PROMPT)
  await call.sendDigits(WRONG)
  // The first digit has cut the prompt off.
  await hearsTone(call, againHz, call.mark())
  await call.sendDigits(WRONG)
  await call.ended()
  assert.deepEqual(tonesIn(call, ALL), heard)
}

const changeAxe = (lab: Laboratory, axe: NonNullable<Laboratory['app']['axe']>): Promise<void> =>
  lab.platform.storage.apps.saveApp({ ...lab.app, axe })

/** Resolves when an ear has heard exactly these samples. */
async function hearsSamples(call: PhoneCall, samples: Int16Array): Promise<void> {
  const wanted = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
  const heard = (): boolean => {
    const audio = call.audio()
    return Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength).includes(wanted)
  }
  while (!heard()) await call.hears(call.mark() / SAMPLE_RATE_HZ + 0.1)
}
