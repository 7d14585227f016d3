import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory } from '@maskline/lab'
import * as ear from './support/ears.ts'
import { A, answer, asked, B, C, dial, hangUp, talk, TONES, X, X2 } from './support/ears.ts'
import { createLeapingClock } from './support/leaping-clock.ts'

const AX = '/rest/provision/caas/privatenumber/v1.0'
const CALLEE = '/rest/caas/privatenumber/calleenumber/v1.0'
const MINUTE = 60_000
/** In the built-in busy announcement, after the tones of all refusals. */
const BUSY_HZ = 800

const openLab = (options: Partial<Parameters<typeof openLaboratory>[0]> = {}): Promise<Laboratory> =>
  openLaboratory({
    x: [X, X2],
    tones: TONES,
    ...options,
    app: { mode: 'AX', recordingEnabled: true, noPermissionTone: 'denied.wav', ...options.app },
  })

const bind = (lab: Laboratory, x: string, settings: object = {}): Promise<unknown> =>
  asked(lab, 'POST', AX, {
    origNum: A.number,
    privateNum: x,
    privateNumType: 'mobile-virtual',
    ...settings,
  })

const setCallee = (lab: Laboratory, x: string, settings: object = {}): Promise<unknown> =>
  asked(lab, 'PUT', CALLEE, { privateNum: x, calleeNum: B.number, ...settings })

describe('AX calls, as the parties hear them', () => {
  test('[ax.call.wait-heard] [tone.ax.callerHintTone] [tone.ax.calleeHintTone] either way the caller hears the waiting tone of that way until it rings; without one, the callee’s own ringing', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X, { preVoice: { callerHintTone: 'hello.wav', calleeHintTone: 'wait.wav' } })
      await bind(lab, X2)

      const inward = await dial(b, X, a)
      await ear.hears(inward.outgoing, TONES['wait.wav'].hz, 0.5)
      await inward.incoming.ring()
      await ear.hears(inward.outgoing, ear.EXCHANGE_HZ, 0.5)
      assert.deepEqual(ear.heardInOrder(inward.outgoing), [TONES['wait.wav'].hz, ear.EXCHANGE_HZ])
      assert.ok(ear.heardMs(inward.outgoing, TONES['wait.wav'].hz) < 4_000, 'ringing cuts it')
      inward.outgoing.cancel()
      await inward.incoming.ended()

      await setCallee(lab, X)
      const outward = await dial(a, X, b)
      await ear.hears(outward.outgoing, TONES['hello.wav'].hz, 0.4)
      await outward.incoming.ring()
      await ear.hears(outward.outgoing, ear.EXCHANGE_HZ, 0.5)
      assert.deepEqual(ear.heardInOrder(outward.outgoing), [TONES['hello.wav'].hz, ear.EXCHANGE_HZ])
      await answer(outward)
      await hangUp(outward)

      await setCallee(lab, X2)
      for (const [from, to] of [
        [b, a],
        [a, b],
      ] as const) {
        const plain = await dial(from, X2, to)
        assert.equal(plain.outgoing.state.kind, 'calling')
        await plain.incoming.ring()
        await plain.outgoing.ringing()
        assert.deepEqual(plain.outgoing.state, { kind: 'ringing', status: 180 })
        assert.equal(plain.outgoing.audio().length, 0)
        plain.outgoing.cancel()
        await plain.incoming.ended()
      }
    } finally {
      await lab.close()
    }
  })

  test('[ax.call.hint-heard] [tone.ax.calleeHintVoice] [tone.ax.recordHintTone] [tone.ax.record-unset] the temporary callee alone hears its tone, first; then both the recording hint; without a hint the call is recorded in silence', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X, { recordFlag: 'true', recordHintTone: 'hint.wav' })
      await bind(lab, X2, { recordFlag: 'true' })

      await setCallee(lab, X, { calleeHintVoice: 'hello.wav' })
      const hinted = await talk(a, X, b)
      await ear.bothHearOnce(hinted, 'hint.wav')
      ear.assertOnce(hinted.incoming, 'hello.wav')
      assert.deepEqual(ear.heardInOrder(hinted.incoming), [TONES['hello.wav'].hz, TONES['hint.wav'].hz, A.hz])
      assert.equal(ear.heardMs(hinted.outgoing, TONES['hello.wav'].hz), 0)
      await hangUp(hinted)

      const silent = await talk(b, X2, a)
      // Shorter ones are not kept.
      await Promise.all([silent.outgoing.hears(3.5), silent.incoming.hears(3.5)])
      assert.deepEqual(ear.heardInOrder(silent.outgoing), [A.hz])
      assert.deepEqual(ear.heardInOrder(silent.incoming), [B.hz])
      await hangUp(silent)
      await lab.customer.waitFor(({ fees }) => fees.length === 2, 'both CDRs')
      assert.equal(lab.customer.fees[1]!.recordFlag, 1)
    } finally {
      await lab.close()
    }
  })

  test('[ax.call.limit-reached] [tone.ax.lastMinVoice] [tone.ax.last-minute-unset] both are told of the last minute, once, and are hung up after it (8010); without a tone nothing is said', async () => {
    const clock = createLeapingClock()
    const lab = await openLab({ clock })
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X, { maxDuration: 2, lastMinVoice: 'last.wav' })
      await bind(lab, X2, { maxDuration: 2 })
      for (const [index, x] of [X, X2].entries()) {
        const limited = await talk(b, x, a)
        await ear.bothHearVoices(limited, B, A)
        await lab.platform.settle()
        clock.leap(MINUTE)
        if (x === X) await ear.bothHearOnce(limited, 'last.wav')
        else await ear.bothHearVoices(limited, B, A)
        await ear.bothHearVoices(limited, B, A)
        clock.leap(MINUTE)
        const ends = await Promise.all([limited.outgoing.ended(), limited.incoming.ended()])
        assert.deepEqual(
          ends.map(({ by, reason }) => [by, reason]),
          [
            ['peer', 'BYE'],
            ['peer', 'BYE'],
          ],
        )
        assert.equal(await ear.releaseCode(lab, index + 1), 8010)
      }
    } finally {
      await lab.close()
    }
  })

  test('[ax.call.busy-heard] [tone.ax.busy] [ax.call.unbind-live] [tone.ax.no-callee] a second caller hears the busy text, then 486; the first call goes on, even through the unbind; A without a callee hears the no-permission tone (8013)', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      const c = await lab.phone(C.number, C.hz)
      await bind(lab, X)

      const alone = await ear.refused(a, X)
      ear.assertOnce(alone.call, 'denied.wav')
      assert.equal(alone.end.status, 404)
      assert.equal(await ear.releaseCode(lab, 1), 8013)

      const first = await talk(b, X, a)
      const { call, end } = await ear.refused(c, X)
      const heard = call
        .tonesHeard([...ear.SPECIAL_HZ, BUSY_HZ])
        .filter(({ hz, durationMs }) => hz > 0 && durationMs > 250)
      assert.deepEqual(
        heard.slice(0, 4).map(({ hz }) => hz),
        [...ear.SPECIAL_HZ, BUSY_HZ],
      )
      assert.equal(end.status, 486)
      assert.match(end.reasonHeader ?? '', /Q\.850\s*;\s*cause=17/)
      assert.ok(call.audio().length > 2 * 8000, 'the text follows the tones')
      await ear.bothHearVoices(first, B, A)

      await asked(lab, 'DELETE', `${AX}?privateNum=${encodeURIComponent(X)}`)
      await ear.bothHearVoices(first, B, A)
      await hangUp(first)
      assert.equal(await ear.releaseCode(lab, 3), 0)
      assert.equal((await ear.refused(b, X)).end.status, 403)
    } finally {
      await lab.close()
    }
  })

  test('[ax.call.events] [ax.call.cdr.numbers] both ways tell callin, callout, alerting, answer and disconnect, then a CDR that shows X', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X)
      await setCallee(lab, X)
      for (const [index, [from, to]] of [[a, b] as const, [b, a] as const].entries()) {
        const pair = await talk(from, X, to)
        await ear.bothHearVoices(pair, ...(index === 0 ? ([A, B] as const) : ([B, A] as const)))
        await hangUp(pair)
        await lab.customer.waitFor(({ fees }) => fees.length === index + 1, 'the CDR')
      }
      const kinds = lab.customer.pushes.map(
        ({ body }) => (JSON.parse(body) as { eventType: string }).eventType,
      )
      const whole = ['callin', 'callout', 'alerting', 'answer', 'disconnect', 'fee']
      assert.deepEqual(kinds, [...whole, ...whole])
      // None asks for an answer, as the callin of X mode does.
      assert.ok(lab.customer.events.every(({ statusInfo }) => statusInfo.notifyMode === undefined))
      assert.deepEqual(
        lab.customer.fees.map(({ bindNum, fwdDisplayNum, fwdDstNum }) => [bindNum, fwdDisplayNum, fwdDstNum]),
        [
          [X, X, B.number],
          [X, X, A.number],
        ],
      )
      assert.deepEqual(lab.customer.faults, [])
    } finally {
      await lab.close()
    }
  })
})
