import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import {
  createEsme,
  type Esme,
  type EsmeOptions,
  type IncomingPart,
  joinParts,
  type Receipt,
  splitText,
} from '@maskline/smpp'
import { startSmsNetwork } from './network.ts'
import type { ReceivedText, SmsNetworkOptions } from './types.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const LONG = '您的快递已到小区门口，请尽快来取📦。'.repeat(9)

/** A network and an ESME that stands for the platform: SMPP over loopback. */
async function open(t: TestContext, options: SmsNetworkOptions = {}, esmeOptions: Partial<EsmeOptions> = {}) {
  const network = await startSmsNetwork(options)
  const [messages, receipts]: [IncomingPart[], Receipt[]] = [[], []]
  const esme = createEsme({
    ...network.access,
    retryMs: [1, 10],
    onMessage: (part) => void messages.push(part),
    onReceipt: (receipt) => void receipts.push(receipt),
    ...esmeOptions,
  })
  t.after(async () => {
    await esme.close()
    await network.close()
  })
  await Promise.all([network.bound(), esme.whenReady()])
  return { network, esme, messages, receipts }
}

const partsTo = (to: string, text: string) =>
  splitText(text, { reference: 7 }).map((part) => ({ from: X, to, receipt: true, ...part }))

async function submit(esme: Esme, parts: ReturnType<typeof partsTo>) {
  const outcomes = []
  for (const part of parts) outcomes.push(await esme.submit(part))
  return outcomes
}

it('a handset sends texts, long ones in parts, to a number dialled with or without its country', async (t) => {
  const { network, messages } = await open(t)
  const a = network.handset('13800000021')
  assert.equal(a.number, A)
  assert.equal(network.handset(A), a)
  for (const [to, text] of [
    [X, 'On my way'],
    [X.slice(3), LONG],
  ] as const) {
    messages.length = 0
    await a.send(to, text)
    assert.equal(joinParts(messages), text)
    assert.ok(messages.every((part) => part.from === A && part.to === X))
  }
  assert.ok(messages.length > 1)
})

it('a handset keeps what it gets, joined of parts in any order, and gives each text out once', async (t) => {
  const seen: ReceivedText[] = []
  const { network, esme } = await open(t, { onText: (_, text) => seen.push(text) })
  const b = network.handset(B)
  const early = b.next()
  const [first, ...others] = partsTo(B, LONG)
  await submit(esme, [...others.toReversed()])
  assert.deepEqual(b.inbox, [])
  await submit(esme, [...partsTo(B, 'hello'), first!])
  const hello = { from: X, text: 'hello', parts: 1 }
  const long = { from: X, text: LONG, parts: others.length + 1 }
  assert.deepEqual(await early, hello)
  assert.deepEqual(await b.next(), long)
  assert.deepEqual(
    [b.inbox, seen],
    [
      [hello, long],
      [hello, long],
    ],
  )
})

it('what reached a handset can be searched, as bytes and as text', async (t) => {
  const { network, esme } = await open(t)
  const b = network.handset(B)
  await submit(esme, partsTo(B, `给 ${A}`))
  assert.ok(b.received().includes(X))
  assert.ok(b.received().includes(A), 'in UCS-2')
  assert.ok(!b.received().includes(B))
})

it('every part has its receipt: delivered, or undeliverable while the handset is off', async (t) => {
  const { network, esme, receipts } = await open(t)
  const b = network.handset(B)
  const ids: string[] = []
  for (const isOn of [true, false, true]) {
    if (isOn) b.switchOn()
    else b.switchOff()
    for (const outcome of await submit(esme, partsTo(B, LONG))) {
      assert.ok(outcome.state === 'accepted')
      ids.push(outcome.messageId)
    }
  }
  await network.receiptsTold()
  const each = ids.length / 3
  assert.deepEqual(
    receipts,
    ids.map((messageId, i) => ({
      messageId,
      state: i >= each && i < 2 * each ? 'undeliverable' : 'delivered',
    })),
  )
  assert.equal(b.inbox.length, 2)
})

it('refuses texts to a number without a handset, unless every number has one', async (t) => {
  const strict = await open(t)
  const [refused] = await submit(strict.esme, partsTo(B, 'hello'))
  assert.equal(refused?.state, 'refused')
  const { esme, network } = await open(t, { everyNumber: true })
  const [taken] = await submit(esme, partsTo(B, 'hello'))
  assert.equal(taken?.state, 'accepted')
  assert.equal(network.handset(B).inbox.length, 1)
})

it('tells the sender when the platform is not there or does not take a text', async (t) => {
  const alone = await startSmsNetwork()
  await assert.rejects(alone.handset(A).send(X, 'hello'), /SMS 1 of 1 was not taken: no platform is bound/)
  await assert.rejects(alone.bound(0), /no platform has bound/)
  const waiting = alone.handset(A).next()
  await alone.close()
  await assert.rejects(waiting, /got no further text/)

  const onMessage = () => Promise.reject(new Error('disk full'))
  const { network } = await open(t, {}, { onMessage })
  await assert.rejects(
    network.handset(A).send(X, LONG),
    /SMS 1 of 3 was not taken: refused with ESME_RX_T_APPN/,
  )
})

it('lets in its account only, and takes it back after a break', async (t) => {
  const [gone, lost] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
  const { network, messages } = await open(t, { onBound: (isBound) => void (isBound || gone.resolve()) })
  const stranger = createEsme({
    ...network.access,
    password: 'wrong',
    onMessage: () => {},
    onReceipt: () => {},
    onEvent: (event) => void (event.kind === 'lost' && lost.resolve(event.reason)),
  })
  t.after(() => stranger.close())
  assert.match(await lost.promise, /ESME_RINVPASWD/)

  network.drop()
  await gone.promise
  await network.bound()
  await network.handset(A).send(X, 'hello')
  assert.equal(joinParts(messages), 'hello')
})
