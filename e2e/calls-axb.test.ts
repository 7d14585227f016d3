import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory } from '@maskline/lab'
import { encodeG711, generateTone, writeWav } from '@maskline/media'
import * as ear from './support/ears.ts'
import { A, answer, asked, B, C, dial, hangUp, talk, TONES, X, X2 } from './support/ears.ts'
import { createLeapingClock } from './support/leaping-clock.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { AXB } from './support/trunk-lab.ts'

const MINUTE = 60_000

type Options = Partial<Parameters<typeof openLaboratory>[0]>

const openLab = (options: Options = {}): Promise<Laboratory> =>
  openLaboratory({
    x: [X, X2],
    tones: TONES,
    ...options,
    app: {
      recordingEnabled: true,
      noPermissionTone: 'denied.wav',
      noBindingTone: 'unbound.wav',
      exceptionTone: 'broken.wav',
      ...options.app,
    },
  })

const bind = (lab: Laboratory, x: string, settings: object = {}): Promise<unknown> =>
  asked(lab, 'POST', AXB, { callerNum: A.number, calleeNum: B.number, relationNum: x, ...settings })

describe('AXB calls, as the parties hear them', () => {
  test('[tone.axb.callerHintTone] [tone.axb.calleeHintTone] [tone.once] [tone.pre-connect-cut] [tone.early-media] each caller hears its own waiting tone, once, until it rings; without one, the callee’s ringing or early media', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X, { preVoice: { callerHintTone: 'once.wav', calleeHintTone: 'wait.wav' } })
      await bind(lab, X2)

      const fromA = await dial(a, X, b)
      await ear.hears(fromA.outgoing, TONES['once.wav'].hz, 0.3)
      const fromB = await dial(b, X, a)
      // While B hears as much of a long tone, the short one would have begun anew four times.
      await ear.hears(fromB.outgoing, TONES['wait.wav'].hz, 4 * TONES['once.wav'].seconds)
      ear.assertOnce(fromA.outgoing, 'once.wav')
      assert.deepEqual(ear.heardInOrder(fromB.outgoing), [TONES['wait.wav'].hz])
      await fromB.incoming.ring()
      await ear.hears(fromB.outgoing, ear.EXCHANGE_HZ, 0.5)
      assert.deepEqual(ear.heardInOrder(fromB.outgoing), [TONES['wait.wav'].hz, ear.EXCHANGE_HZ])
      assert.ok(ear.heardMs(fromB.outgoing, TONES['wait.wav'].hz) < 4_000, 'ringing cuts it')
      for (const { outgoing } of [fromA, fromB]) outgoing.cancel()
      await Promise.all([fromA, fromB].map(({ incoming }) => incoming.ended()))

      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const plain = await dial(from, X2, to)
        await plain.incoming.ring()
        await plain.outgoing.ringing()
        assert.deepEqual(plain.outgoing.state, { kind: 'ringing', status: 180 })
        assert.equal(plain.outgoing.audio().length, 0)
        plain.outgoing.cancel()
        await plain.incoming.ended()
      }

      const early = await dial(a, X2, b)
      await early.incoming.ring('early-media')
      await ear.hears(early.outgoing, B.hz, 0.5)
      assert.deepEqual(early.outgoing.state, { kind: 'ringing', status: 183 })
      assert.deepEqual(ear.heardInOrder(early.outgoing), [B.hz])
    } finally {
      await lab.close()
    }
  })

  test('[tone.axb.recordHintTone] [tone.axb.record-unset] both hear that they are recorded; without a hint the call is recorded in silence', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X, { recordFlag: 'true', recordHintTone: 'hint.wav' })
      await bind(lab, X2, { recordFlag: 'true' })

      const hinted = await talk(a, X, b)
      await ear.bothHearOnce(hinted, 'hint.wav')
      assert.deepEqual(ear.heardInOrder(hinted.outgoing), [TONES['hint.wav'].hz, B.hz])
      assert.deepEqual(ear.heardInOrder(hinted.incoming), [TONES['hint.wav'].hz, A.hz])
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

  test('[tone.axb.lastMinVoice] [tone.axb.last-minute-unset] both are told of the last minute, once; without a tone nothing is said', async () => {
    const clock = createLeapingClock()
    const lab = await openLab({ clock })
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      await bind(lab, X, { maxDuration: 2, lastMinVoice: 'last.wav' })
      await bind(lab, X2, { maxDuration: 2 })
      const told = await talk(a, X, b)
      const untold = await talk(b, X2, a)
      await ear.bothHearVoices(told, A, B)
      await ear.bothHearVoices(untold, B, A)
      await lab.platform.settle()
      clock.leap(MINUTE)
      await ear.bothHearOnce(told, 'last.wav')
      for (const call of [untold.outgoing, untold.incoming])
        assert.equal(ear.heardMs(call, TONES['last.wav'].hz), 0)
      await ear.bothHearVoices(untold, B, A)
      clock.leap(MINUTE)
      for (const { outgoing, incoming } of [told, untold])
        await Promise.all([outgoing.ended(), incoming.ended()])
    } finally {
      await lab.close()
    }
  })
})

describe('AXB calls that are refused', () => {
  test('[tone.no-permission] [tone.axb.direction] [tone.no-binding] [tone.exception] the caller hears why, once, and then the call ends: X unbound, direction barred, caller unknown, app suspended, account frozen', async () => {
    const lab = await openLab()
    try {
      const b = await lab.phone(B.number, B.hz)
      const c = await lab.phone(C.number, C.hz)
      await bind(lab, X, { callDirection: 1 })
      const { apps } = lab.platform.storage
      const cases = [
        { from: c, x: X2, tone: 'denied.wav', code: 8014 },
        { from: b, x: X, tone: 'denied.wav', code: 8016 },
        { from: c, x: X, tone: 'unbound.wav', code: 8014 },
        { from: c, x: X, tone: 'broken.wav', code: 8018, app: { status: 'suspended' } },
        { from: c, x: X, tone: 'broken.wav', code: 7108, app: { accountStatus: 'frozen' } },
      ] as const
      for (const [index, { from, x, tone, code, ...given }] of cases.entries()) {
        if ('app' in given) await apps.saveApp({ ...lab.app, ...given.app })
        const { call, end } = await ear.refused(from, x)
        ear.assertOnce(call, tone)
        assert.deepEqual(ear.heardInOrder(call), [TONES[tone].hz])
        assert.equal(end.by, 'peer')
        assert.equal(await ear.releaseCode(lab, index + 1), code)
      }
    } finally {
      await lab.close()
    }
  })

  test('[tone.no-permission.unset] [tone.no-binding.unset] [tone.exception.unset] without a tone the call ends at once, unheard', async () => {
    const lab = await openLab({ app: { noPermissionTone: '', noBindingTone: '', exceptionTone: '' } })
    try {
      const c = await lab.phone(C.number, C.hz)
      await bind(lab, X)
      const cases = [
        { x: X2, code: 8014 },
        { x: X, code: 8014 },
        { x: X, code: 8018, app: { status: 'suspended' } },
      ] as const
      for (const [index, { x, code, ...given }] of cases.entries()) {
        if ('app' in given) await lab.platform.storage.apps.saveApp({ ...lab.app, ...given.app })
        const { hadMedia, end } = await ear.refused(c, x)
        assert.equal(hadMedia, false)
        assert.equal(end.by, 'peer')
        assert.equal(await ear.releaseCode(lab, index + 1), code)
      }
    } finally {
      await lab.close()
    }
  })

  test('[tone.gone] a waiting tone, or the tone of a refusal, whose file was deleted counts as not set', async () => {
    const data = makeTempDir('gone')
    const lab = await openLab({ env: { MASKLINE_DATA: data.path }, app: { noBindingTone: 'short.wav' } })
    try {
      const a = await lab.phone(A.number, A.hz)
      const b = await ear.quietPhone(lab, B)
      const c = await lab.phone(C.number, C.hz)
      const { hz, seconds } = TONES['once.wav']
      const samples = encodeG711('alaw', generateTone(hz, seconds))
      const files = adminOf(lab, data.path)
      await files('POST', '?tenant=demo&name=short.wav', writeWav({ encoding: 'alaw', samples }))
      await bind(lab, X, { preVoice: { callerHintTone: 'short.wav' } })

      const before = await dial(a, X, b)
      await ear.hears(before.outgoing, hz, 0.3)
      before.outgoing.cancel()
      await before.incoming.ended()
      ear.assertOnce((await ear.refused(c, X)).call, 'once.wav')

      await files('DELETE', '/demo/short.wav')
      const after = await dial(a, X, b)
      await after.incoming.ring()
      await after.outgoing.ringing()
      assert.deepEqual(after.outgoing.state, { kind: 'ringing', status: 180 })
      assert.equal(after.outgoing.audio().length, 0)
      await answer(after)
      await ear.bothHearVoices(after, A, B)
      const { hadMedia, end } = await ear.refused(c, X)
      assert.deepEqual([hadMedia, end.status], [false, 404])
    } finally {
      await lab.close()
      data.remove()
    }
  })
})

/** Announcement files as an operator changes them while the platform runs. */
function adminOf({ platform }: Laboratory, dataDir: string) {
  const token = readFileSync(path.join(dataDir, 'admin.token'), 'utf8').trim()
  const { host, port } = platform.admin!
  return async (method: string, rest: string, file?: Uint8Array<ArrayBuffer>): Promise<void> => {
    const response = await fetch(`http://${host}:${port}/v1/announcements${rest}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      ...(file && { body: file }),
    })
    assert.ok(response.ok, await response.text())
  }
}
