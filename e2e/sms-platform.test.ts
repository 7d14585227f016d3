import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import {
  extraOf,
  type Laboratory,
  type LaboratoryOptions,
  openLaboratory,
  type SmsEvent,
} from '@maskline/lab'
import { splitText, STATUS } from '@maskline/smpp'
import { requirePeer } from './peers.ts'
import { type PerlSmsc, startPerlSmsc } from './support/perl-smsc.ts'
import { AXB } from './support/trunk-lab.ts'
import { TEXTS } from './support/sms-texts.ts'
import { waitFor } from './support/wait.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const AX = '/rest/provision/caas/privatenumber/v1.0'

type Sent = { readonly from: string; readonly text: string; readonly header?: string }
type Details = { readonly result: number; readonly parts: readonly Readonly<Record<string, unknown>>[] }

/** The whole platform, bound to an SMSC that shares no line of code with it. Undefined where Perl or Net::SMPP is missing. */
async function open(t: TestContext, options: Partial<LaboratoryOptions> = {}, smsc: object = {}) {
  const perl = requirePeer(t, 'perl')
  if (perl === undefined) return undefined
  const network = await startPerlSmsc(perl)
  t.after(() => network.close())
  const access = {
    hosts: [{ host: '127.0.0.1', port: network.port }],
    systemId: 'maskline',
    password: 'secret',
  }
  const lab = await openLaboratory({ x: [X], ...options, smscs: [{ ...access, ...smsc }] })
  t.after(() => lab.close())
  await network.next('bind')
  return { network, lab, ...told(network, lab) }
}

/** Sends texts of handsets, and waits for what the network and the customer hear of them. */
function told(network: PerlSmsc, lab: Laboratory) {
  let references = 20
  const notifies = (): readonly SmsEvent[] =>
    lab.customer.sms.filter(({ notificationMode }) => notificationMode === 'Notify')
  const send = ({ from, text, header = 'udh8' }: Sent): void =>
    network.command({ do: 'mo', from: from.slice(1), to: X.slice(1), text, header, reference: ++references })
  return {
    notifies,
    send,
    /** What became of a text: the Notify that follows, and the text as the network got it, if it did. */
    async text(sent: Sent) {
      const [from, before] = [network.told.length, notifies().length]
      send(sent)
      await lab.customer.waitFor(() => notifies().length > before, 'the Notify')
      const notify = notifies()[before]!
      // The network answers a part before it tells of the text.
      const heard = notify.sendResult === 0 ? await network.next('text', from) : undefined
      return { notify, heard }
    },
    async details(id: string): Promise<Details> {
      return (await lab.admin(`/v1/sms/${id}`)).body as Details
    },
  }
}

async function bindAxb(lab: Laboratory): Promise<void> {
  const { body } = await lab.api('POST', AXB, { callerNum: A, calleeNum: B, relationNum: X })
  assert.equal(body.resultcode, '0')
}

const partsOf = (text: string): number => splitText(text, { reference: 0 }).length

describe('SMS through the platform and an SMSC in Perl (Net::SMPP)', () => {
  test('AXB: texts of every kind arrive from X character for character, both ways; receipts reach the details', async (t) => {
    const opened = await open(t)
    if (opened === undefined) return
    const { network, lab, text, details } = opened
    await bindAxb(lab)
    const ids: string[] = []
    for (const [from, to] of [
      [A, B],
      [B, A],
    ] as const) {
      for (const written of Object.values(TEXTS)) {
        for (const header of ['udh8', 'udh16', 'sar']) {
          const { notify, heard } = await text({ from, text: written, header })
          assert.equal(heard?.text, written)
          assert.deepEqual([heard.from, heard.to], [`1/1/${X.slice(1)}`, `1/1/${to.slice(1)}`])
          assert.deepEqual([notify.calling, notify.called, notify.sendResult], [from, to, 0])
          assert.equal(extraOf(notify, 'splitNum'), partsOf(written))
          assert.equal(heard.parts, partsOf(written))
          ids.push(notify.smsIdentifier)
        }
      }
    }
    assert.equal(new Set(ids).size, ids.length)
    for (const id of ids) {
      const { parts } = await waitFor(
        async () => {
          const found = await details(id)
          return found.parts.every(({ receipt }) => receipt !== undefined) && found
        },
        { what: 'the receipt of every part' },
      )
      assert.ok(parts.every(({ state, receipt }) => state === 'accepted' && receipt === 'delivered'))
    }
    // Of what went to B's phone nothing may name A, and the other way round.
    const submits = network.told.filter(({ event }) => event === 'submit').map(({ hex }) => String(hex))
    for (const number of [A, B])
      for (const coded of [Buffer.from(number.slice(3)), Buffer.from(number.slice(3), 'utf16le').swap16()])
        assert.ok(submits.every((hex) => !hex.includes(coded.toString('hex'))))
    assert.deepEqual(lab.customer.faults, [])
  })

  test('AX: A reaches somebody by @, who answers; without a tail the customer says where it goes', async (t) => {
    const opened = await open(t, { app: { mode: 'AX' } })
    if (opened === undefined) return
    const { lab, text } = opened
    const bound = await lab.api('POST', AX, { origNum: A, privateNum: X })
    assert.equal(bound.body.resultcode, '0')

    const first = await text({ from: A, text: `I am here @${B.slice(3)}` })
    assert.deepEqual([first.heard?.text, first.heard?.to], ['I am here ', `1/1/${B.slice(1)}`])
    const answer = await text({ from: B, text: '马上到' })
    assert.deepEqual(
      [answer.heard?.text, answer.heard?.to],
      [`马上到[From${B.slice(3)}]`, `1/1/${A.slice(1)}`],
    )

    lab.customer.decideSms(({ calling }) => ({
      actions: [{ operation: 'vNumberRoute', message: { called: B, calling } }],
    }))
    const routed = await text({ from: A, text: 'where?' })
    assert.deepEqual(
      [routed.heard?.text, routed.heard?.to, routed.notify.sendResult],
      ['where?', `1/1/${B.slice(1)}`, 0],
    )
    lab.customer.decideSms(() => ({ actions: [{ operation: 'DiscardMessage' }] }))
    const discarded = await text({ from: A, text: 'where?' })
    assert.deepEqual([discarded.heard, discarded.notify.sendResult], [undefined, 6])
    assert.deepEqual(lab.customer.faults, [])
  })

  test('a network that asks to slow down gets every part later, and none twice', async (t) => {
    const opened = await open(t)
    if (opened === undefined) return
    const { network, lab, text } = opened
    await bindAxb(lab)
    network.command({ do: 'throttle', count: 3 })
    const { heard, notify } = await text({ from: A, text: TEXTS['long Chinese'] })
    assert.equal(heard?.text, TEXTS['long Chinese'])
    assert.equal(notify.sendResult, 0)
    const submits = network.told.filter(({ event }) => event === 'submit')
    assert.equal(submits.filter(({ throttled }) => throttled === true).length, 3)
    const taken = submits.filter(({ throttled }) => throttled === false).map(({ hex }) => hex)
    assert.deepEqual([taken.length, new Set(taken).size], [heard.parts, heard.parts])
  })

  test('a connection that breaks while texts go out: each went out once, or is told as failed', async (t) => {
    const opened = await open(t)
    if (opened === undefined) return
    const { network, lab, send, notifies, text } = opened
    await bindAxb(lab)
    network.command({ do: 'dropAfter', count: 4 })
    const written = Array.from({ length: 12 }, (_, n) => `message ${n}`)
    for (const one of written) send({ from: A, text: one })
    const sent = (): number => network.told.filter(({ event }) => event === 'sent').length
    await waitFor(() => sent() === written.length, { what: 'the handset to have sent them' })
    await network.next('closed')
    // What the network could not hand in is gone with the connection: a handset sends it again.
    await waitFor(() => network.told.filter(({ event }) => event === 'bind').length >= 2, {
      what: 'another bind',
    })
    const acknowledged = network.told.filter(
      ({ event, status }) => event === 'deliver_sm_resp' && status === STATUS.ESME_ROK,
    )
    await waitFor(() => notifies().length >= acknowledged.length, {
      what: 'a Notify of each that was acknowledged',
    })
    const last = await text({ from: A, text: 'the last one' })
    assert.equal(last.heard?.text, 'the last one')

    const toldAsSent = notifies().filter(({ sendResult }) => sendResult === 0)
    const texts = (): string[] =>
      network.told.filter(({ event }) => event === 'text').map((one) => String(one.text))
    await waitFor(() => texts().length >= toldAsSent.length, { what: 'every text that was told as sent' })
    const heard = texts()
    assert.equal(new Set(heard).size, heard.length, 'none twice')
    for (const { smsContent, sendResult } of notifies()) {
      assert.ok(sendResult === 0 || sendResult === 10, `${smsContent}: ${sendResult}`)
      if (sendResult === 0) assert.ok(heard.includes(smsContent!), `${smsContent} was told as sent`)
    }
  })

  test('a connection that breaks inside a long text: no part goes out twice, and each is accounted for', async (t) => {
    const opened = await open(t)
    if (opened === undefined) return
    const { network, lab, text, details } = opened
    await bindAxb(lab)
    // The network reads the third part and breaks off instead of an answer: it may have it, so nobody sends it again.
    network.command({ do: 'dropAfter', count: 2 })
    const written = TEXTS['long with emoji']
    const { notify } = await text({ from: A, text: written })
    await waitFor(() => network.told.filter(({ event }) => event === 'bind').length >= 2, {
      what: 'another bind',
    })
    const last = await text({ from: A, text: TEXTS['long Chinese'] })
    assert.deepEqual([last.heard?.text, last.notify.sendResult], [TEXTS['long Chinese'], 0])

    const { parts } = await details(notify.smsIdentifier)
    assert.equal(parts.length, partsOf(written))
    const read = network.told.filter(({ event }) => event === 'submit').map(({ hex }) => String(hex))
    // Three before the break; after it the last text and nothing of the first.
    assert.equal(read.length, 3 + partsOf(TEXTS['long Chinese']))
    // 05 00 03, reference, total, index.
    const indexes = read.slice(0, 3).map((hex) => Buffer.from(hex, 'hex')[5]!)
    assert.equal(new Set(indexes).size, 3)
    const answered = new Set(indexes.slice(0, 2))
    for (const { index, state } of parts) {
      // An answer may be lost with the connection; where there was none, none may be told.
      const possible = answered.has(Number(index)) ? ['accepted', 'unknown'] : ['unknown']
      assert.ok(possible.includes(String(state)), `part ${String(index)} is ${String(state)}`)
    }
    // 9: part of it was sent; 10: nothing.
    assert.equal(notify.sendResult, parts.some(({ state }) => state === 'accepted') ? 9 : 10)
  })
})
