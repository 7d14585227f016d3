import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory } from '@maskline/lab'
import * as ear from './support/ears.ts'
import { A, asked, B, C, dial, dialled, hangUp, type Person, talk, TONES } from './support/ears.ts'
import { createLeapingClock } from './support/leaping-clock.ts'

const AXYB = '/rest/omp/xyrelationnumber/v1.0'
const STOP = '/rest/httpsessions/callStop/v2.0'
const POOL = [1, 2, 3, 4].map((last) => `+861700000000${last}`)

type Relation = { readonly id: string; readonly x: string; readonly y: string }

const openLab = (options: Partial<Parameters<typeof openLaboratory>[0]> = {}): Promise<Laboratory> =>
  openLaboratory({
    x: POOL,
    tones: TONES,
    ...options,
    app: { mode: 'AXYB', recordingEnabled: true, noBindingTone: 'unbound.wav' },
  })

/** A behind an X, B behind a Y. */
async function bind(
  lab: Laboratory,
  { a = A, ofA = {}, ofB = {} }: { readonly a?: Person; readonly ofA?: object; readonly ofB?: object } = {},
): Promise<Relation> {
  const first = await asked(lab, 'POST', AXYB, { origNum: a.number, areaCode: '0755', ...ofA })
  const id = String(first.subscriptionId)
  const second = await asked(lab, 'POST', AXYB, {
    origNum: B.number,
    subscriptionId: id,
    areaCode: '0755',
    ...ofB,
  })
  return { id, x: String(first.relationNumber), y: String(second.relationNumber) }
}

describe('AXYB calls', () => {
  test('[axyb.call.masked] [axyb.call.events] [axyb.call.cdr] B to X and A to Y show Y and X, leave no trace of the caller, and are told and billed so', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await lab.phone(A.number, A.hz), await lab.phone(B.number, B.hz)]
      const { id, x, y } = await bind(lab, { ofA: { userData: 'order-7' } })
      const legs = [
        { from: b, to: a, voices: [B, A], number: x, shown: y },
        { from: a, to: b, voices: [A, B], number: y, shown: x },
      ] as const
      for (const [index, { from, to, voices, number, shown }] of legs.entries()) {
        const [caller, callee] = voices
        const before = to.received().length
        const pair = await talk(from, number, to)
        assert.equal(pair.incoming.whatDisplayShows.number, dialled(shown))
        await ear.bothHearVoices(pair, caller, callee)
        await hangUp(pair)
        const bytes = to.received().subarray(before)
        assert.ok(bytes.includes(dialled(shown)))
        for (const trace of [dialled(caller.number), `:${from.port}`])
          assert.equal(bytes.includes(trace), false, trace)

        await lab.customer.waitFor(({ fees }) => fees.length === index + 1, 'the CDR')
        const told = lab.customer.events.slice(-5).map(({ eventType, statusInfo }) => {
          const { caller: shows, called, subscriptionId, userData } = statusInfo
          assert.deepEqual([subscriptionId, userData], [id, 'order-7'])
          return [eventType, shows, called]
        })
        assert.deepEqual(told, [
          ['callin', caller.number, number],
          ...['callout', 'alerting', 'answer', 'disconnect'].map((kind) => [kind, shown, callee.number]),
        ])
        const fee = lab.customer.fees[index]!
        assert.deepEqual(
          [fee.bindNum, fee.fwdDisplayNum, fee.fwdDstNum, fee.serviceType, fee.subscriptionId],
          [number, shown, callee.number, '006', id],
        )
      }
      assert.deepEqual(lab.customer.faults, [])
    } finally {
      await lab.close()
    }
  })

  test('[axyb.call.survives] [axyb.call.stop] a running call survives unbind and expiry, and ends when the customer stops it', async () => {
    const clock = createLeapingClock()
    const lab = await openLab({ clock })
    try {
      const a = await lab.phone(A.number, A.hz)
      const b = await lab.phone(B.number, B.hz)
      const c = await lab.phone(C.number, C.hz)
      const unbound = await bind(lab)
      const expiring = await bind(lab, { a: C, ofA: { duration: 60 } })
      const first = await talk(b, unbound.x, a)
      await asked(lab, 'DELETE', `${AXYB}?subscriptionId=${unbound.id}`)
      const second = await talk(c, expiring.y, b)
      await lab.platform.settle()
      clock.leap(61_000)
      // For new calls both are gone.
      for (const { x } of [unbound, expiring]) assert.equal((await ear.refused(b, x)).end.status, 404)
      await ear.bothHearVoices(first, B, A)
      await ear.bothHearVoices(second, C, B)

      await hangUp(first)
      const callins = lab.customer.events.filter(({ eventType }) => eventType === 'callin')
      const { sessionId } = callins.find(({ statusInfo }) => statusInfo.caller === C.number)!.statusInfo
      await asked(lab, 'POST', STOP, { sessionid: sessionId, signal: 'call_stop' })
      const ends = await Promise.all([second.outgoing.ended(), second.incoming.ended()])
      assert.deepEqual(
        ends.map(({ by, reason }) => [by, reason]),
        [
          ['peer', 'BYE'],
          ['peer', 'BYE'],
        ],
      )
    } finally {
      await lab.close()
    }
  })
})

describe('AXYB calls, as the parties hear them', () => {
  test('[axyb.call.tone.once] [tone.axyb.preVoiceY] [tone.axyb.preVoiceX] B hears preVoiceY and A preVoiceX while the other is dialled, once', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      const { x, y } = await bind(lab, {
        ofA: { preVoiceX: 'wait.wav' },
        ofB: { preVoiceY: 'once.wav' },
      })
      const fromB = await dial(b, x, a)
      await ear.hears(fromB.outgoing, TONES['once.wav'].hz, 0.3)
      const fromA = await dial(a, y, b)
      // While A hears as much of a long tone, the short one would have begun anew four times.
      await ear.hears(fromA.outgoing, TONES['wait.wav'].hz, 4 * TONES['once.wav'].seconds)
      ear.assertOnce(fromB.outgoing, 'once.wav')
      assert.deepEqual(ear.heardInOrder(fromB.outgoing), [TONES['once.wav'].hz])
      assert.deepEqual(ear.heardInOrder(fromA.outgoing), [TONES['wait.wav'].hz])
    } finally {
      await lab.close()
    }
  })

  test('[tone.axyb.beep] [tone.axyb.recordHintTone] [axyb.call.tone.recordHint] without a file the caller hears two short beeps; both hear that they are recorded, or nothing without a hint', async () => {
    const lab = await openLab()
    try {
      const [a, b] = [await ear.quietPhone(lab, A), await ear.quietPhone(lab, B)]
      const c = await ear.quietPhone(lab, C)
      const hinted = await bind(lab, { ofA: { recordFlag: 'true', recordHintTone: 'hint.wav' } })
      const silent = await bind(lab, { a: C, ofA: { recordFlag: 'true' } })
      for (const [from, number, to] of [
        [b, hinted.x, a],
        [a, hinted.y, b],
      ] as const) {
        const pair = await dial(from, number, to)
        await ear.hears(pair.outgoing, ear.EXCHANGE_HZ, 0.75)
        const beeps = pair.outgoing
          .tonesHeard([ear.EXCHANGE_HZ])
          .filter(({ hz, durationMs }) => hz !== 0 && durationMs > 300)
        assert.equal(beeps.length, 2)
        assert.ok(beeps.every(({ durationMs }) => durationMs < 500))
        await ear.answer(pair)
        await ear.bothHearOnce(pair, 'hint.wav')
        await hangUp(pair)
      }
      const pair = await talk(b, silent.x, c)
      // Shorter ones are not kept.
      await Promise.all([pair.outgoing.hears(3.5), pair.incoming.hears(3.5)])
      assert.deepEqual(ear.heardInOrder(pair.incoming), [B.hz])
      assert.equal(ear.heardMs(pair.outgoing, TONES['hint.wav'].hz), 0)
      await hangUp(pair)
      await lab.customer.waitFor(({ fees }) => fees.length === 3, 'all CDRs')
      assert.equal(lab.customer.fees[2]!.recordFlag, 1)
    } finally {
      await lab.close()
    }
  })
})
