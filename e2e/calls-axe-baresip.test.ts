import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openLaboratory } from '@maskline/lab'
import { SAMPLE_RATE_HZ, toneRuns } from '@maskline/media'
import { requirePeer } from './peers.ts'
import type { Baresip } from './support/baresip.ts'
import { startLabPhone } from './support/lab-phone.ts'
import { listenTo } from './support/told.ts'

const AXE = '/rest/caas/extendnumber/v1.0'
const X = '+8617000000001'
const A = { number: '+8613800000021', host: '127.0.3.1', toneHz: 440 } as const
const B = { number: '+8613800000022', host: '127.0.3.2', toneHz: 1000 } as const
const EXTENSION = '0107'
const PROMPT = { hz: 700, seconds: 1.5 } as const

const national = (number: string): string => number.slice('+86'.length)

describe('a call to an extension between two baresips', () => {
  test('[axe.call.collectInfo] [axe.call.events.called] [tone.axe.prompt] the caller hears the prompt, keys the extension, both hear each other, and A sees X', async (t) => {
    if (requirePeer(t, 'baresip') === undefined) return
    const lab = await openLaboratory({
      x: [X],
      tones: { 'prompt.wav': PROMPT },
      app: { mode: 'AXE', axe: { promptTone: 'prompt.wav' } },
    })
    const phones: Baresip[] = []
    try {
      const a = await startLabPhone(lab, A, phones)
      const b = await startLabPhone(lab, B, phones)
      const told = listenTo(lab.customer)
      const bind = await lab.api('POST', AXE, {
        virtualNum: X,
        bindNum: A.number,
        extendNum: EXTENSION,
      })
      assert.equal(bind.body.resultcode, '0')

      const { host, port } = lab.platform.sip
      await b.dial(`sip:${national(X)}@${host}:${port}`)
      await hearsTone(b, PROMPT.hz)
      await b.sendDigits(EXTENSION)
      assert.match((await a.event('CALL_ESTABLISHED')).peeruri ?? '', new RegExp(`${national(X)}@`))
      await Promise.all([hearsTone(a, B.toneHz), hearsTone(b, A.toneHz)])
      await b.hangup()
      await a.event('CALL_CLOSED')

      const { types, code, events, fee } = await told()
      assert.deepEqual(types, ['callin', 'collectInfo', 'callout', 'alerting', 'answer', 'disconnect'])
      assert.equal(events[1]?.statusInfo.digitInfo, EXTENSION)
      assert.deepEqual([code, fee.extendNum], [0, EXTENSION])
      assert.deepEqual(lab.customer.faults, [])
    } finally {
      await Promise.all(phones.map((phone) => phone.close()))
      await lab.close()
    }
  })
})

/** Resolves when a phone has heard the tone for 0.3 s in its call. */
async function hearsTone(phone: Baresip, hz: number): Promise<void> {
  for (let samples = phone.heard(); ; samples = await phone.hears(samples.length / SAMPLE_RATE_HZ + 0.1))
    if (toneRuns(samples, [hz]).some((run) => run.hz === hz && run.durationMs >= 300)) return
}
