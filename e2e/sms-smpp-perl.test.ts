import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import {
  STATUS,
  createEsme,
  joinParts,
  splitText,
  type ConcatHeader,
  type Esme,
  type EsmeEvent,
  type EsmeOptions,
  type IncomingPart,
  type Receipt,
} from '@maskline/smpp'
import { requirePeer } from './peers.ts'
import { startPerlSmsc, type PerlSmsc } from './support/perl-smsc.ts'
import { TEXTS } from './support/sms-texts.ts'
import { waitFor } from './support/wait.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'

const HEADERS: readonly ConcatHeader[] = ['udh8', 'udh16', 'sar']

type Bench = {
  readonly smsc: PerlSmsc
  readonly esme: Esme
  readonly messages: readonly IncomingPart[]
  readonly receipts: readonly Receipt[]
  readonly events: readonly EsmeEvent[]
}

/** The SMSC and our client of it; both close with the test. Undefined where Perl or Net::SMPP is missing. */
async function open(t: TestContext, options: Partial<EsmeOptions> = {}): Promise<Bench | undefined> {
  const perl = requirePeer(t, 'perl')
  if (perl === undefined) return undefined
  const smsc = await startPerlSmsc(perl)
  t.after(() => smsc.close())
  const [messages, receipts, events]: [IncomingPart[], Receipt[], EsmeEvent[]] = [[], [], []]
  const esme = createEsme({
    hosts: [{ host: '127.0.0.1', port: smsc.port }],
    systemId: 'maskline',
    password: 'secret',
    retryMs: [10, 50],
    throttleMs: [10, 50],
    onMessage: (part) => void messages.push(part),
    onReceipt: (receipt) => void receipts.push(receipt),
    onEvent: (event) => void events.push(event),
    ...options,
  })
  t.after(() => esme.close())
  return { smsc, esme, messages, receipts, events }
}

const partsOf = (text: string, header: ConcatHeader, reference: number) =>
  splitText(text, { reference, header }).map((part) => ({ from: X, to: B, ...part }))

describe('SMPP with an SMSC in Perl (Net::SMPP)', () => {
  test('MT texts arrive whole, each part is accepted and its delivery told', async (t) => {
    const bench = await open(t)
    if (bench === undefined) return
    const { smsc, esme, receipts } = bench
    await esme.whenReady()
    const bind = await smsc.next('bind')
    assert.deepEqual([bind.role, bind.version], ['transceiver', 0x34])
    const ids: string[] = []
    let reference = 300
    for (const [name, text] of Object.entries(TEXTS)) {
      for (const header of HEADERS) {
        const from = smsc.told.length
        const parts = partsOf(text, header, reference++)
        assert.equal(parts.length > 1, name.startsWith('long'))
        for (const outcome of await Promise.all(parts.map((part) => esme.submit(part)))) {
          assert.ok(outcome.state === 'accepted')
          ids.push(outcome.messageId)
        }
        const heard = await smsc.next('text', from)
        assert.equal(heard.text, text)
        assert.deepEqual([heard.from, heard.to], ['1/1/8617000000001', '1/1/8613800000022'])
        assert.deepEqual([heard.parts, heard.data_coding], [parts.length, name.includes('English') ? 0 : 8])
      }
    }
    await waitFor(() => receipts.length >= ids.length, { what: 'all receipts' })
    assert.deepEqual(
      receipts.map(({ messageId }) => messageId),
      ids,
    )
    assert.ok(receipts.every(({ state, error }) => state === 'delivered' && error === undefined))
  })

  test('MO texts arrive whole, even where the handset cut pairs, and are acknowledged', async (t) => {
    const bench = await open(t)
    if (bench === undefined) return
    const { smsc, esme, messages } = bench
    await esme.whenReady()
    let reference = 700
    for (const text of Object.values(TEXTS)) {
      for (const header of HEADERS) {
        const [from, before] = [smsc.told.length, messages.length]
        smsc.command({ do: 'mo', from: A.slice(1), to: X.slice(1), text, header, reference })
        const { seq } = (await smsc.next('sent', from)) as unknown as { seq: readonly number[] }
        const statuses = await waitFor(
          () => {
            const answers = smsc.told.slice(from).filter(({ event }) => event === 'deliver_sm_resp')
            return answers.length >= seq.length && answers.map(({ status }) => status)
          },
          { what: 'deliver_sm_resp for each part' },
        )
        assert.deepEqual(
          statuses,
          seq.map(() => STATUS.ESME_ROK),
        )
        const parts = messages.slice(before)
        assert.equal(joinParts(parts), text)
        for (const [i, part] of parts.entries()) {
          assert.deepEqual([part.from, part.to], [A, X])
          const whole = {
            reference: header === 'udh8' ? reference & 0xff : reference,
            total: parts.length,
            index: i + 1,
            header,
          }
          assert.deepEqual(part.concat, parts.length === 1 ? undefined : whole)
        }
        reference++
      }
    }
  })

  test('a message that could not be stored is refused for the time being', async (t) => {
    const bench = await open(t, { onMessage: () => Promise.reject(new Error('disk full')) })
    if (bench === undefined) return
    await bench.esme.whenReady()
    bench.smsc.command({
      do: 'mo',
      from: A.slice(1),
      to: X.slice(1),
      text: 'hi',
      header: 'udh8',
      reference: 1,
    })
    assert.equal((await bench.smsc.next('deliver_sm_resp')).status, STATUS.ESME_RX_T_APPN)
  })

  test('a throttled part is sent again, and nothing is taken twice', async (t) => {
    const bench = await open(t, { window: 3 })
    if (bench === undefined) return
    const { smsc, esme, events } = bench
    await esme.whenReady()
    smsc.command({ do: 'throttle', count: 5 })
    const parts = partsOf(TEXTS['long Chinese'], 'udh8', 9)
    const outcomes = await Promise.all([...parts, ...parts].map((part) => esme.submit(part)))
    assert.ok(outcomes.every(({ state }) => state === 'accepted'))
    const submits = await waitFor(
      () => {
        const told = smsc.told.filter(({ event }) => event === 'submit')
        return told.length >= parts.length * 2 + 5 && told
      },
      { what: 'every submit' },
    )
    assert.equal(submits.filter(({ throttled }) => throttled === true).length, 5)
    assert.equal(submits.filter(({ throttled }) => throttled === false).length, parts.length * 2)
    assert.ok(events.some((event) => event.kind === 'throttled' && event.status === STATUS.ESME_RTHROTTLED))
  })

  test('a connection that breaks in the middle leaves no part sent twice and none lost unnoticed', async (t) => {
    const bench = await open(t, { window: 3 })
    if (bench === undefined) return
    const { smsc, esme, events } = bench
    await esme.whenReady()
    smsc.command({ do: 'dropAfter', count: 4 })
    // the command is in force once the answer to a later one is back
    const before = smsc.told.length
    smsc.command({ do: 'enquire' })
    await smsc.next('enquire_link_resp', before)
    const parts = Array.from({ length: 12 }, (_, i) => partsOf(`message ${i}`, 'udh8', 1)[0]!)
    const outcomes = await Promise.all(parts.map((part) => esme.submit(part)))
    const states = outcomes.map(({ state }) => state)
    // It has answered four and seen a fifth. The break can swallow the last answers: then they are unknown too.
    const [accepted, unknown] = ['accepted', 'unknown'].map((one) => states.filter((s) => s === one).length)
    assert.ok(accepted! <= 4 && unknown! >= 1 && unknown! <= 3 && accepted! + unknown! >= 5, states.join())
    const gone = accepted! + unknown!
    const inOrder = ['accepted', 'unknown', 'unsent'].flatMap((one) => states.filter((s) => s === one))
    assert.deepEqual(states, inOrder)
    assert.ok(events.some(({ kind }) => kind === 'lost'))

    await esme.whenReady()
    for (const part of parts.slice(gone)) assert.equal((await esme.submit(part)).state, 'accepted')
    const expected = parts.map((_, i) => `message ${i}`).filter((_, i) => i < 4 || i >= gone)
    const texts = await waitFor(
      () => {
        const told = smsc.told.filter(({ event }) => event === 'text')
        return told.length >= expected.length && told.map(({ text }) => text)
      },
      { what: 'every text' },
    )
    assert.deepEqual(texts, expected)
    const seen = smsc.told.filter(({ event }) => event === 'submit').map(({ hex }) => String(hex))
    assert.equal(new Set(seen).size, seen.length)
  })

  test('a transmitter and a receiver: texts go out on the one, receipts come on the other', async (t) => {
    const bench = await open(t, { bind: 'separate', connections: 2 })
    if (bench === undefined) return
    const { smsc, esme, events, receipts } = bench
    await waitFor(() => events.filter(({ kind }) => kind === 'bound').length === 4, { what: 'four binds' })
    const roles = smsc.told.filter(({ event }) => event === 'bind').map(({ role }) => role)
    assert.deepEqual(roles.toSorted(), ['receiver', 'receiver', 'transmitter', 'transmitter'])
    const parts = partsOf(TEXTS['long English with the extension table'], 'udh16', 4711)
    const outcomes = await Promise.all(parts.map((part) => esme.submit(part)))
    await waitFor(() => receipts.length === parts.length, { what: 'all receipts' })
    assert.deepEqual(
      receipts.map(({ messageId }) => messageId).toSorted(),
      outcomes
        .map((outcome) => (outcome.state === 'accepted' ? outcome.messageId : outcome.state))
        .toSorted(),
    )
  })

  test('both ask whether the other is there; an SMSC that unbinds is bound again; we unbind at the end', async (t) => {
    const bench = await open(t, { enquireLinkMs: 30 })
    if (bench === undefined) return
    const { smsc, esme, events } = bench
    await esme.whenReady()
    await smsc.next('enquire_link')
    smsc.command({ do: 'enquire' })
    assert.equal((await smsc.next('enquire_link_resp')).status, STATUS.ESME_ROK)
    smsc.command({ do: 'unbind' })
    await waitFor(() => events.filter(({ kind }) => kind === 'bound').length === 2, {
      what: 'the second bind',
    })
    assert.ok(events.some((event) => event.kind === 'lost' && event.reason === 'the peer has unbound'))
    assert.equal((await esme.submit(partsOf('again', 'udh8', 1)[0]!)).state, 'accepted')
    await esme.close()
    await smsc.next('unbind')
  })

  test('a wrong password is refused, and told', async (t) => {
    const bench = await open(t, { password: 'wrong' })
    if (bench === undefined) return
    const lost = await waitFor(() => bench.events.find(({ kind }) => kind === 'lost'), {
      what: 'the refusal',
    })
    assert.ok(lost.kind === 'lost')
    assert.equal(lost.reason, 'the bind was refused: ESME_RINVPASWD')
  })
})
