import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import {
  joinParts,
  type Smsc,
  type SmscOptions,
  splitText,
  startSmsc,
  STATUS,
  type SubmitAnswer,
  type SubmittedPart,
} from '@maskline/smpp'
import type { Log } from '../shared/log.ts'
import { silentLog } from '../shared/log.ts'
import { systemClock } from '../shared/time.ts'
import { openStorage } from '../storage/index.ts'
import type { CarrierHandlers, LongTexts, SmsCarrier } from './carrier.ts'
import { createTestCarrier, POLICY, relayOver, seed } from './relay-test-kit.ts'
import { createSmppCarrier } from './smpp-carrier.ts'
import { A, B, X } from './sms-test-kit.ts'

/** The whole relay between an SMSC and itself, or another way out: SMPP over TCP on loopback. */
async function bound(
  t: TestContext,
  onSubmit?: SmscOptions['onSubmit'],
  { way, longTexts = 'udh8' }: { readonly way?: SmsCarrier; readonly longTexts?: LongTexts } = {},
) {
  const storage = await openStorage({ dataDir: ':memory:' })
  const submitted: SubmittedPart[] = []
  const events: object[] = []
  let onBound = (): void => {}
  const nextBind = () => new Promise<void>((resolve) => (onBound = resolve))
  const isBound = nextBind()
  /** What happens between storing a part and acknowledging it. */
  let onStored = (): Promise<void> => Promise.resolve()
  const smsc = await startSmsc({
    onSubmit(part) {
      submitted.push(part)
      return onSubmit?.(part) ?? { do: 'accept' }
    },
    onEvent: ({ kind }) => void (kind === 'bound' && onBound()),
  })
  const log: Log = { ...silentLog, warn: (fields) => events.push(fields) }
  const handlers: CarrierHandlers = {
    async onPart(part) {
      await relay.handlersOf('smsc-1').onPart(part)
      await onStored()
    },
    onReceipt: (receipt) => relay.handlersOf('smsc-1').onReceipt(receipt),
    async onLateOutcome(...late) {
      await relay.handlersOf('smsc-1').onLateOutcome(...late)
      onLate()
    },
  }
  let onLate = (): void => {}
  const carrier = createSmppCarrier({
    name: 'smsc-1',
    hosts: [{ host: '127.0.0.1', port: smsc.port }],
    systemId: 'maskline',
    password: 'secret',
    numbers: { countryCode: '86' },
    longTexts,
    receipts: true,
    responseTimeoutMs: 200,
    handlers,
    clock: systemClock,
    log,
  })
  const relay = relayOver(storage, {
    clock: systemClock,
    customers: { post: async () => ({ kind: 'failed', why: 'nobody asks in AXB' }) },
    carriers: { waysFrom: () => [way ?? carrier] },
    policy: POLICY,
  })
  await seed(storage, 'AXB', {})
  await relay.start()
  t.after(async () => {
    const stopped = relay.close()
    await carrier.close()
    await stopped
    await smsc.close()
    await storage.close()
  })
  await isBound
  return {
    storage,
    carrier,
    relay,
    submitted,
    events,
    smsc,
    nextBind,
    lateOutcome: () => new Promise<void>((resolve) => (onLate = resolve)),
    onStored: (run: () => Promise<void>) => void (onStored = run),
    send: (text: string, from: string = A) => send(smsc, text, from),
    async results() {
      await relay.drain()
      const found = await storage.smsDetails.search({ limit: 10 })
      return found.map(({ end }) => end?.result)
    },
  }
}

let reference = 0
async function send(smsc: Smsc, text: string, from: string): Promise<void> {
  for (const part of splitText(text, { reference: ++reference }))
    assert.deepEqual(await smsc.deliver('maskline', { ...part, from, to: X }), { state: 'accepted' })
}

it('texts of every kind go from a handset through X to the other handset, character for character', async (t) => {
  const { send, submitted, results } = await bound(t)
  const texts = ['hello', '€uro [1] {2} ~', '你好，世界', 'x'.repeat(400), '字'.repeat(200), '😀'.repeat(90)]
  for (const text of texts) {
    submitted.length = 0
    await send(text)
    await results()
    assert.equal(joinParts(submitted), text)
    for (const { from, to } of submitted) assert.deepEqual([from, to], [X, B])
  }
  assert.deepEqual(new Set(await results()), new Set([0]))
})

const HEADER_OCTETS: Readonly<Record<LongTexts, number>> = { udh8: 6, udh16: 7, sar: 7 }
for (const longTexts of ['udh8', 'udh16', 'sar'] as const)
  it(`parts of long texts belong together by ${longTexts}, and fit into 140 octets with it`, async (t) => {
    const { send, submitted, results } = await bound(t, undefined, { longTexts })
    for (const text of ['x'.repeat(153 * 3), '字'.repeat(67 * 3)]) {
      submitted.length = 0
      await send(text)
      await results()
      assert.equal(joinParts(submitted), text)
      assert.equal(submitted.length, longTexts === 'udh8' ? 3 : 4)
      for (const [i, { concat, coding, userData }] of submitted.entries()) {
        assert.deepEqual([concat?.header, concat?.index, concat?.total], [longTexts, i + 1, submitted.length])
        const octets = coding === 'gsm7' ? Math.ceil((userData.length * 7) / 8) : userData.length
        assert.ok(octets + HEADER_OCTETS[longTexts] <= 140)
      }
    }
    assert.deepEqual(await results(), [0, 0])
  })

it('a part that was cut for a shorter header keeps that, whatever its SMSC is configured for now', async (t) => {
  const { carrier, submitted } = await bound(t, undefined, { longTexts: 'udh16' })
  for (const header of ['udh8', 'udh16'] as const)
    for (const part of splitText('x'.repeat(200), { reference: 0x1234, header }))
      await carrier.submit({ ...part, id: `${header}.${part.concat!.index}`, from: X, to: B, text: '' })
  assert.deepEqual(
    submitted.map(({ concat }) => [concat?.header, concat?.reference]),
    [
      ['udh8', 0x34],
      ['udh8', 0x34],
      ['udh16', 0x1234],
      ['udh16', 0x1234],
    ],
  )
})

it('a receipt finds its part', async (t) => {
  const { send, smsc, submitted, storage, results } = await bound(t, () => ({
    do: 'accept',
    messageId: '7f',
  }))
  await send('hello')
  await results()
  const [part] = submitted
  const receipt = { messageId: '7f', state: 'delivered' } as const
  assert.deepEqual(await smsc.sendReceipt('maskline', receipt, { ...part!, receivedAt: part!.receivedAt }), {
    state: 'accepted',
  })
  const [message] = await storage.smsDetails.search({ limit: 1 })
  const found = await storage.smsDetails.find(message!.id)
  assert.deepEqual(
    found?.mt.map(({ carrierId, receipt }) => [carrierId, receipt]),
    [['7f', 'delivered']],
  )
})

it('what the SMSC refuses is result 10; what it does not answer too, and is not sent again', async (t) => {
  const refusing = await bound(t, () => ({ do: 'refuse', status: STATUS.ESME_RINVDSTADR }))
  await refusing.send('hello')
  assert.deepEqual(await refusing.results(), [10])
  const silent = await bound(t, () => ({ do: 'ignore' }))
  await silent.send('hello')
  assert.deepEqual(await silent.results(), [10])
  assert.equal(silent.submitted.length, 1)
})

it('what the SMSC answers too late reaches the details of its part, with the receipt that came before, and sends nothing again', async (t) => {
  const { promise: answer, resolve } = Promise.withResolvers<SubmitAnswer>()
  const { send, smsc, submitted, storage, results, lateOutcome } = await bound(t, () => answer)
  await send('hello')
  assert.deepEqual(await results(), [10])
  const receipt = { messageId: '7f', state: 'delivered' } as const
  assert.deepEqual(await smsc.sendReceipt('maskline', receipt, submitted[0]!), { state: 'accepted' })
  const late = lateOutcome()
  resolve({ do: 'accept', messageId: '7f' })
  await late
  const [message] = await storage.smsDetails.search({ limit: 1 })
  const found = await storage.smsDetails.find(message!.id)
  assert.deepEqual(
    found?.mt.map(({ state, carrierId, receipt }) => [state, carrierId, receipt]),
    [['accepted', '7f', 'delivered']],
  )
  assert.deepEqual(await results(), [10], 'the customer has been told, and is not told otherwise')
  assert.equal(submitted.length, 1)
})

it('a text is sent once when the connection breaks before its acknowledgement has left, and the SMSC delivers it again', async (t) => {
  const way = createTestCarrier('smsc-2')
  const { smsc, nextBind, onStored, results } = await bound(t, undefined, { way })
  const [part] = splitText('hello', { reference: 1 })
  const deliver = () => smsc.deliver('maskline', { ...part!, from: A, to: X })
  const again = nextBind()
  onStored(async () => smsc.drop())
  assert.deepEqual(await deliver(), { state: 'unknown' })
  await again
  onStored(() => Promise.resolve())
  assert.deepEqual(await deliver(), { state: 'accepted' })
  assert.deepEqual(await results(), [0])
  assert.equal(way.submitted.length, 1)
  assert.deepEqual(await deliver(), { state: 'accepted' })
  assert.deepEqual(await results(), [0, 0], 'the person sends the same once more')
})

it('no number and no text is in what is logged', async (t) => {
  const { send, smsc, events, results } = await bound(t, () => ({ do: 'drop' }))
  await send('a secret text')
  await results()
  smsc.drop()
  assert.ok(events.length > 0)
  assert.doesNotMatch(JSON.stringify(events), /13800000|17000000|secret/)
})
