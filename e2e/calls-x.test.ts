import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory, type PhoneCall, type Softphone } from '@maskline/lab'
import { SAMPLE_RATE_HZ } from '@maskline/media'
import { hearsTone, tonesIn } from './support/ear.ts'
import { createLeapingClock } from './support/leaping-clock.ts'
import { openSilentCarrier } from './support/silent-carrier.ts'
import { listenTo, type Listener } from './support/told.ts'

/** Calls that the customer's server decides, with real phones: what is heard, and what it is told afterwards. */

const STOP = '/rest/httpsessions/callStop/v2.0'
const X = '+8617000000001'
/** Another X of the app, for displays. */
const OTHER_X = '+8617000000002'
const A = { number: '+8613800000021', hz: 440 } as const
const B = { number: '+8613800000022', hz: 1000 } as const
const MINUTE = 60_000
/** Whom no phone is registered for. */
const ABSENT = '+8613800000029'

const TONES = {
  'bye.wav': { hz: 700, seconds: 0.6 },
  'waiting.wav': { hz: 850, seconds: 1 },
  'hint.wav': { hz: 1150, seconds: 0.5 },
  'last-minute.wav': { hz: 1250, seconds: 0.5 },
  'to-callee.wav': { hz: 1350, seconds: 0.5 },
  'exception.wav': { hz: 1500, seconds: 0.5 },
} as const
const BYE = TONES['bye.wav'].hz
const WAITING = TONES['waiting.wav'].hz
const HINT = TONES['hint.wav'].hz
const LAST_MINUTE = TONES['last-minute.wav'].hz
const TO_CALLEE = TONES['to-callee.wav'].hz
const EXCEPTION = TONES['exception.wav'].hz
const ALL = Object.values(TONES).map(({ hz }) => hz)

const CONNECTED = ['callin', 'callout', 'alerting', 'answer', 'disconnect']
const REFUSED = ['callin', 'disconnect']

const national = (number: string): string => number.slice('+86'.length)
const connect = (connectInfo: object) => ({
  operation: 'connect',
  connectInfo: { calleeNum: B.number, ...connectInfo },
})
const close = (closeInfo: object) => ({ operation: 'close', closeInfo })

type Scene = {
  readonly lab: Laboratory
  readonly a: Softphone
  readonly b: Softphone
  readonly told: Listener
}

async function inScene(
  options: Omit<Parameters<typeof openLaboratory>[0], 'x' | 'tones'>,
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  const lab = await openLaboratory({
    ...options,
    x: [X, OTHER_X],
    tones: TONES,
    app: { mode: 'X', recordingEnabled: true, exceptionTone: 'exception.wav', ...options.app },
  })
  try {
    const [a, b] = await Promise.all([lab.phone(A.number, A.hz), lab.phone(B.number, B.hz)])
    await run({ lab, a, b, told: listenTo(lab.customer) })
    assert.deepEqual(lab.customer.faults, [])
  } finally {
    await lab.close()
  }
}

/** A dials X, the customer's server answers so. */
async function dial({ lab, a }: Scene, answer: object): Promise<PhoneCall> {
  lab.customer.decide(() => answer)
  return a.call(national(X))
}

describe('a call that the customer’s server decides', () => {
  test('[x.call.connect] [x.call.events] [x.call.cdr] [x.call.recording] [x.call.maxDuration] [tone.x.recordHintTone] [tone.x.lastMinVoice] is connected as the answer says: display, the callee’s tone, the hint and the last minute in both ears, a recording, the end at the limit (8010), userData from then on', async () => {
    const clock = createLeapingClock()
    await inScene({ clock }, async (scene) => {
      const answer = connect({
        displayCalleeNum: OTHER_X,
        maxDuration: 1,
        recordFlag: 'true',
        recordHintTone: 'hint.wav',
        lastMinVoice: 'last-minute.wav',
        calleeHintVoice: 'to-callee.wav',
        userData: 'order-1',
      })
      const outgoing = await dial(scene, answer)
      const incoming = await scene.b.incoming()
      assert.equal(incoming.whatDisplayShows.number, national(OTHER_X))
      await outgoing.ringing()
      assert.deepEqual(outgoing.state, { kind: 'ringing', status: 180 })
      await Promise.all([incoming.answer(), outgoing.answered()])
      await Promise.all([hearsTone(outgoing, LAST_MINUTE), hearsTone(incoming, LAST_MINUTE)])
      await Promise.all([hearsTone(outgoing, B.hz), hearsTone(incoming, A.hz, incoming.mark())])
      // Long enough for a recording to be kept.
      await outgoing.hears(outgoing.audio().length / SAMPLE_RATE_HZ + 3.5)
      clock.leap(MINUTE)
      const ends = await Promise.all([outgoing.ended(), incoming.ended()])
      assert.deepEqual(
        ends.map(({ by }) => by),
        ['peer', 'peer'],
      )
      assert.deepEqual(tonesIn(outgoing, ALL), [HINT, LAST_MINUTE])
      assert.deepEqual(tonesIn(incoming, ALL), [TO_CALLEE, HINT, LAST_MINUTE])

      const { events, types, code, fee } = await scene.told()
      assert.deepEqual([types, code], [CONNECTED, 8010])
      assert.deepEqual(
        [fee.direction, fee.serviceType, fee.notifyMode, fee.userData, fee.recordFlag],
        [1, '002', 'Block', 'order-1', 1],
      )
      const [callin, ...later] = events.map(({ statusInfo }) => statusInfo)
      assert.deepEqual(
        [callin?.caller, callin?.called, callin?.notifyMode, callin?.userData],
        [A.number, X, 'Block', undefined],
      )
      for (const { caller, called, notifyMode, userData, subscriptionId } of later)
        assert.deepEqual(
          [caller, called, notifyMode, userData, subscriptionId],
          [OTHER_X, B.number, undefined, 'order-1', undefined],
        )
    })
  })

  test('[x.call.close] [x.call.cdr] [tone.x.end] [tone.x.missing] is closed after the announcement; a file that does not exist is 8006', async () => {
    await inScene({}, async (scene) => {
      const announced = await dial(scene, close({ closeHintTone: 'bye.wav', userData: 'order-2' }))
      await announced.ended()
      assert.deepEqual(tonesIn(announced, ALL), [BYE])
      const { events, types, code, fee } = await scene.told()
      assert.deepEqual([types, code], [REFUSED, 8017])
      assert.deepEqual([events.at(-1)?.statusInfo.userData, fee.userData], ['order-2', 'order-2'])
      assert.deepEqual([fee.direction, fee.serviceType, fee.notifyMode], [2, '002', 'Block'])

      const silent = await dial(scene, close({}))
      assert.equal((await silent.ended()).status, 480)
      assert.deepEqual(tonesIn(silent, ALL), [])
      assert.equal((await scene.told()).code, 8017)

      const missing = await dial(scene, close({ closeHintTone: 'missing.wav' }))
      assert.equal((await missing.ended()).status, 403)
      assert.deepEqual(tonesIn(missing, ALL), [EXCEPTION])
      assert.equal((await scene.told()).code, 8006)
    })
  })

  test('[tone.x.wait] [x.call.8035] lets the caller hear the waiting tone of the answer while nothing rings, else the ring-back of the callee; who does not answer in time is 8035', async () => {
    const carrier = await openSilentCarrier()
    const options = { trunks: [carrier.trunk], env: { MASKLINE_CONNECT_TIMEOUT_SEC: '2' } }
    try {
      await inScene(options, async (scene) => {
        const waiting = await dial(scene, connect({ calleeNum: ABSENT, waitVoice: 'waiting.wav' }))
        await waiting.ended()
        assert.deepEqual(tonesIn(waiting, ALL), [WAITING])
        const unreached = await scene.told()
        assert.deepEqual([unreached.types, unreached.code], [['callin', 'callout', 'disconnect'], 8035])

        const ringing = await dial(scene, connect({}))
        const incoming = await scene.b.incoming()
        await ringing.ringing()
        assert.deepEqual(ringing.state, { kind: 'ringing', status: 180 })
        await Promise.all([ringing.ended(), incoming.ended()])
        const unanswered = await scene.told()
        assert.deepEqual(
          [unanswered.types, unanswered.code],
          [['callin', 'callout', 'alerting', 'disconnect'], 8035],
        )
      })
    } finally {
      await carrier.close()
    }
  })

  test('[x.call.stop] ends by the terminate-call API', async () => {
    await inScene({}, async (scene) => {
      const outgoing = await dial(scene, connect({}))
      const incoming = await scene.b.incoming()
      await Promise.all([incoming.answer(), outgoing.answered()])
      const { customer } = scene.lab
      await customer.waitFor((c) => c.events.some(({ eventType }) => eventType === 'answer'), 'the answer')
      const sessionid = customer.events[0]!.statusInfo.sessionId
      const stopped = await scene.lab.api('POST', STOP, { sessionid, signal: 'call_stop' })
      assert.deepEqual(stopped, { status: 200, body: { resultcode: '0', resultdesc: 'Success' } })
      const ends = await Promise.all([outgoing.ended(), incoming.ended()])
      assert.deepEqual(
        ends.map(({ by }) => by),
        ['peer', 'peer'],
      )
      const { types, code } = await scene.told()
      assert.deepEqual([types, code], [CONNECTED, 8017])
    })
  })

  test('[x.call.patience] whose caller hangs up during the question is 7516, and the answer calls nobody', async () => {
    await inScene({}, async (scene) => {
      const { customer } = scene.lab
      const { promise: late, resolve: answerNow } = Promise.withResolvers<void>()
      customer.misbehave({ times: 1, until: late })
      const given = await dial(scene, connect({}))
      await customer.waitFor((c) => c.events.length === 1, 'the question')
      given.cancel()
      const { types, code } = await scene.told()
      assert.deepEqual([types, code], [REFUSED, 7516])
      answerNow()
      await given.ended()

      // The next call is the first that rings.
      const outgoing = await dial(scene, connect({}))
      const incoming = await scene.b.incoming()
      await Promise.all([incoming.answer(), outgoing.answered()])
      await hangUp(outgoing, incoming)
      assert.equal((await scene.told()).code, 0)
      assert.equal(scene.b.calls.length, 1)
    })
  })
})

async function hangUp(outgoing: PhoneCall, incoming: PhoneCall): Promise<void> {
  outgoing.hangup()
  await Promise.all([outgoing.ended(), incoming.ended()])
}
