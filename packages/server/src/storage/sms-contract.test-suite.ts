import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutboxItem } from '../notifications/outbox.ts'
import type { MtPart, SmsMessage } from '../sms/message.ts'
import type { Arrived, Received } from '../sms/ports.ts'
import { party, type StorageFactory, testApp, testX, xNumber } from './contract.test-suite.ts'
import type { Storage } from './open-storage.ts'

export const arrived = (text: string, changes: Partial<Arrived> = {}): Arrived => ({
  carrier: 'smsc-1',
  from: party(21),
  x: xNumber(1),
  coding: 'gsm7',
  userData: Buffer.from(text),
  ...changes,
})
const partOf = (index: number, text: string, total = 2, reference = 7): Arrived =>
  arrived(text, { concat: { reference, total, index } })

const messageIn = (received: Received): SmsMessage => {
  assert.equal(received.kind, 'complete')
  return (received as Extract<Received, { kind: 'complete' }>).message
}
const textsOf = ({ parts }: SmsMessage) => parts.map(({ userData }) => Buffer.from(userData).toString())

const mt = (index: number, changes: Partial<MtPart> = {}): MtPart => ({
  index,
  segments: 1,
  state: 'sent',
  carrier: 'smsc-1',
  at: 2000,
  ...changes,
})
const push = {
  kind: 'event',
  url: 'http://customer.example/sms',
  body: '{"sms":1}',
  sessionId: 'sms-1',
} as const

const decided = (message: SmsMessage): SmsMessage => ({
  ...message,
  state: 'sending',
  appKey: testApp.key,
  called: party(22),
  subject: { direction: 1, subscriptionId: 'binding-1', userData: 'order-7' },
  sending: { text: 'hello', reference: 3, count: 1, giveUpAt: 9000 },
})
export const endedSms = (message: SmsMessage, at = 3000): SmsMessage => ({
  ...decided(message),
  state: 'ended',
  end: { at, result: 0, segments: 1 },
})

const TIMES = { gatherMs: 60_000, doubtAfterMs: 5_000 }

/** What the store of SMS does on every engine. */
export function smsStorageContract(name: string, factory: () => StorageFactory): void {
  const it = (title: string, run: (storage: Storage, f: StorageFactory) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const f = factory()
      const storage = await f.open()
      try {
        await storage.apps.saveApp(testApp)
        await storage.numbers.save([testX(1), testX(2)])
        await run(storage, f)
      } finally {
        await storage.close().catch(() => {})
        await f.dispose()
      }
    })
  const receive = (storage: Storage, part: Arrived, at = 1000) => storage.sms.receive(part, at, TIMES)

  it('a text that came whole is due at once, with every byte of it', async (storage) => {
    const userData = Buffer.from([0, 255, 64, 128])
    const message = messageIn(await receive(storage, arrived('', { userData, coding: 'ucs2' })))
    assert.equal(message.state, 'received')
    assert.deepEqual(await storage.sms.due(1000, 10), [{ message, mt: [] }])
    assert.deepEqual(await storage.sms.due(999, 10), [])
    assert.equal(await storage.sms.nextDueAt(999), 1000)
    assert.equal(await storage.sms.nextDueAt(1000), undefined)
  })

  it('[sms.parts.whole] parts become one message whatever their order, and nothing before the last one is there', async (storage) => {
    const first = await receive(storage, partOf(3, 'c', 3))
    assert.ok(first.kind === 'gathering')
    const { id, dueAt } = first
    assert.equal(dueAt, 61_000)
    assert.deepEqual(await receive(storage, partOf(1, 'a', 3), 2000), {
      kind: 'gathering',
      id,
      dueAt: 61_000,
    })
    assert.deepEqual(await storage.sms.due(60_999, 10), [])
    const message = messageIn(await receive(storage, partOf(2, 'b', 3), 3000))
    assert.deepEqual(textsOf(message), ['a', 'b', 'c'])
    assert.deepEqual(await storage.sms.due(3000, 10), [{ message, mt: [] }])
  })

  it('parts of other senders, to other X, by other carriers and with another reference or number of parts are other texts', async (storage) => {
    const first = partOf(1, 'a')
    await receive(storage, first)
    const others: Partial<Arrived>[] = [
      { from: party(23) },
      { x: xNumber(2) },
      { carrier: 'smsc-2' },
      { concat: { reference: 8, total: 2, index: 2 } },
      { concat: { reference: 7, total: 3, index: 2 } },
    ]
    for (const other of others)
      assert.equal((await receive(storage, { ...partOf(2, 'b'), ...other })).kind, 'gathering')
  })

  it('a part that comes twice is a duplicate, while its text is gathered, worked on and ended', async (storage) => {
    await receive(storage, partOf(1, 'a'))
    assert.equal((await receive(storage, partOf(1, 'a'))).kind, 'duplicate')
    const message = messageIn(await receive(storage, partOf(2, 'b')))
    assert.equal((await receive(storage, partOf(2, 'b'))).kind, 'duplicate')
    await storage.sms.save(endedSms(message), 'received')
    assert.equal((await receive(storage, partOf(1, 'a'))).kind, 'duplicate')
  })

  it('another text under the same reference is a new one, at once and when the time is over', async (storage) => {
    await receive(storage, partOf(1, 'a'))
    const first = messageIn(await receive(storage, partOf(2, 'b')))
    await receive(storage, partOf(1, 'c'))
    const second = messageIn(await receive(storage, partOf(2, 'd')))
    assert.notEqual(second.id, first.id)
    assert.deepEqual(textsOf(second), ['c', 'd'])
    await storage.sms.save(endedSms(second), 'received')
    await receive(storage, partOf(1, 'e'))
    assert.deepEqual(textsOf(messageIn(await receive(storage, partOf(2, 'd')))), ['e', 'd'])
    await receive(storage, partOf(1, 'c'), 61_000)
    assert.deepEqual(textsOf(messageIn(await receive(storage, partOf(2, 'd'), 61_000))), ['c', 'd'])
  })

  it('a text that was begun and not completed is not completed by another one’s part', async (storage) => {
    await receive(storage, partOf(1, 'a'))
    await receive(storage, partOf(1, 'c'))
    assert.deepEqual(textsOf(messageIn(await receive(storage, partOf(2, 'd')))), ['c', 'd'])
    const [left] = await storage.sms
      .due(61_000, 10)
      .then((all) => all.filter(({ message }) => message.state === 'gathering'))
    assert.deepEqual(textsOf(left!.message), ['a'])
  })

  it('texts without an id are all different, those of one carrier’s id the same', async (storage) => {
    const [a, b] = [
      messageIn(await receive(storage, arrived('a'))),
      messageIn(await receive(storage, arrived('a'))),
    ]
    assert.notEqual(a.id, b.id)
    messageIn(await receive(storage, arrived('a', { carrierId: 'mo-1' })))
    assert.equal((await receive(storage, arrived('a', { carrierId: 'mo-1' }))).kind, 'duplicate')
    messageIn(await receive(storage, arrived('a', { carrierId: 'mo-1', carrier: 'smsc-2' })))
  })

  it('an equal text is another one while its acknowledgement is open or was read, and a repeat once that is in doubt', async (storage) => {
    const text = arrived('ok', { isWatched: true })
    const [a, b] = [messageIn(await receive(storage, text)), messageIn(await receive(storage, text, 5_999))]
    assert.deepEqual(await receive(storage, text, 6_000), { kind: 'duplicate', id: a.id }, 'open for 5 s')
    await storage.sms.acknowledged([a.id, b.id])
    const c = messageIn(await receive(storage, text, 60_000))
    await storage.sms.doubt([c.id], 90_000)
    const others: Partial<Arrived>[] = [
      { from: party(23) },
      { x: xNumber(2) },
      { carrier: 'smsc-2' },
      { coding: 'latin1' },
      { userData: Buffer.from('OK') },
      { isWatched: false },
    ]
    for (const other of others) messageIn(await receive(storage, { ...text, ...other }, 61_000))
    assert.deepEqual(await receive(storage, text, 61_000), { kind: 'duplicate', id: c.id })
    messageIn(await receive(storage, text, 61_001))
  })

  it('a doubt ends with its time, and each of several equal texts has one of its own', async (storage) => {
    const text = arrived('ok', { isWatched: true })
    const equal: SmsMessage[] = []
    for (let n = 0; n < 5; n++) equal.push(messageIn(await receive(storage, text)))
    await storage.sms.doubt(
      equal.map(({ id }) => id),
      10_000,
    )
    const repeats = new Set<string>()
    for (let n = 0; n < 4; n++) {
      const repeat = await receive(storage, text, 9_999)
      if (repeat.kind === 'duplicate') repeats.add(repeat.id)
    }
    assert.equal(repeats.size, 4)
    await storage.sms.doubt([...repeats], 20_000)
    messageIn(await receive(storage, text, 20_000))
  })

  it('a part of a long text in doubt is known for longer than the others are waited for', async (storage) => {
    const parts = [1, 2].map((index) => ({ ...partOf(index, 'a'), isWatched: true }))
    await receive(storage, parts[0]!)
    const { id } = messageIn(await receive(storage, parts[1]!))
    await storage.sms.save(endedSms((await storage.smsDetails.find(id))!.message), 'received')
    await storage.sms.doubt([id], 300_000)
    assert.deepEqual(await receive(storage, parts[1]!, 299_999), { kind: 'duplicate', id })
    await storage.sms.acknowledged([id])
    assert.equal((await receive(storage, parts[1]!, 300_000)).kind, 'gathering')
  })

  it('what a crash leaves open is in doubt after it, and nothing else', async (storage, f) => {
    const texts = ['read', 'open', 'old'].map((text) => arrived(text, { isWatched: true }))
    const [read, open, old] = (await Promise.all(texts.map((text) => receive(storage, text)))).map(messageIn)
    await storage.sms.acknowledged([read!.id])
    await storage.sms.doubt([old!.id], 2_000)
    await storage.close()
    const again = await f.reopen()
    try {
      await again.sms.doubtOpen(10_000)
      const kinds = []
      for (const text of texts) kinds.push((await receive(again, text, 3_000)).kind)
      assert.deepEqual(kinds, ['complete', 'duplicate', 'complete'])
      assert.ok(open)
    } finally {
      await again.close()
    }
  })

  it('a message moves on only from the state it is in, so that two can never end it', async (storage) => {
    const message = messageIn(await receive(storage, arrived('hello')))
    assert.equal(await storage.sms.save(decided(message), 'received', { mt: [mt(1)] }), true)
    assert.equal(await storage.sms.save(endedSms(message), 'received', { push }), false)
    assert.deepEqual(await storage.outbox.due(9000, 10), [], 'no push of what was not done')
    assert.deepEqual(await storage.sms.due(1000, 10), [{ message: decided(message), mt: [mt(1)] }])
    assert.equal(await storage.sms.save(endedSms(message), 'sending', { push }), true)
    assert.equal(await storage.sms.save(endedSms(message), 'sending', { push }), false)
    assert.equal((await storage.outbox.due(9000, 10)).length, 1)
    assert.deepEqual(await storage.sms.due(9_000_000, 10), [])
    assert.equal(await storage.sms.nextDueAt(0), undefined)
  })

  it('the push of an end is there with it and announced with a clear body', async (storage) => {
    const announced: OutboxItem[] = []
    storage.outbox.onCommitted((items) => void announced.push(...items))
    const message = messageIn(await receive(storage, arrived('hello')))
    await storage.sms.save(endedSms(message), 'received', { push })
    assert.deepEqual(
      announced.map(({ appKey, url, body, dueAt }) => [appKey, url, body, dueAt]),
      [[testApp.key, push.url, push.body, 3000]],
    )
    assert.deepEqual(await storage.outbox.due(3000, 10), announced)
  })

  it('at the end neither the text nor its parts are kept', async (storage) => {
    const message = messageIn(await receive(storage, arrived('hello')))
    await storage.sms.save(endedSms(message), 'received')
    const found = await storage.smsDetails.find(message.id)
    assert.deepEqual([found?.message.parts, found?.message.sending], [[], undefined])
    assert.deepEqual(found?.message.end, { at: 3000, result: 0, segments: 1 })
  })

  it('parts keep their outcome, and a receipt finds its part by carrier and id', async (storage) => {
    const message = messageIn(await receive(storage, arrived('hello')))
    await storage.sms.save(decided(message), 'received', { mt: [mt(1), mt(2)] })
    const outcomes = [
      mt(1, { state: 'accepted', carrierId: 'id-1' }),
      mt(2, { state: 'refused', status: 69, segments: 3 }),
    ]
    await storage.sms.save(endedSms(message), 'sending', { mt: outcomes })
    assert.equal(await storage.sms.receipt('smsc-1', { messageId: 'id-1', state: 'delivered' }), true)
    assert.equal(await storage.sms.receipt('smsc-2', { messageId: 'id-1', state: 'expired' }), false)
    assert.equal(await storage.sms.receipt('smsc-1', { messageId: 'id-9', state: 'expired' }), false)
    const found = await storage.smsDetails.find(message.id)
    assert.deepEqual(found?.mt, [{ ...outcomes[0], receipt: 'delivered' }, outcomes[1]])
  })

  it('a late outcome is that of a part without one at its carrier, and stays when the part is saved without one', async (storage) => {
    const message = messageIn(await receive(storage, arrived('hello')))
    await storage.sms.save(decided(message), 'received', {
      mt: [mt(1), mt(2, { state: 'unknown' }), mt(3, { state: 'queued' }), mt(4, { state: 'unknown' })],
    })
    const late = (index: number, more = {}) =>
      storage.sms.late(message.id, {
        ...{ index, carrier: 'smsc-1', state: 'accepted', carrierId: `id-${index}`, at: 2500 },
        ...more,
      } as const)
    assert.equal(await late(1), true)
    assert.equal(await late(2, { receipt: 'delivered' }), true)
    assert.equal(await late(3), false, 'it has not left')
    assert.equal(await late(4, { carrier: 'smsc-2' }), false)
    assert.equal(await late(5), false)
    const unknown = [1, 2].map((index) => mt(index, { state: 'unknown' }))
    await storage.sms.save(endedSms(message), 'sending', { mt: [...unknown, mt(3, { state: 'failed' })] })
    assert.equal(await late(2, { state: 'refused' }), false)
    const found = await storage.smsDetails.find(message.id)
    assert.deepEqual(found?.message.end?.result, 0, 'the message is as it was')
    assert.deepEqual(found?.mt, [
      mt(1, { state: 'accepted', carrierId: 'id-1', at: 2500 }),
      mt(2, { state: 'accepted', carrierId: 'id-2', at: 2500, receipt: 'delivered' }),
      mt(3, { state: 'failed' }),
      mt(4, { state: 'unknown' }),
    ])
  })

  it('a receipt that is saved with its part stays', async (storage) => {
    const message = messageIn(await receive(storage, arrived('hello')))
    const part = mt(1, { state: 'accepted', carrierId: 'id-1' })
    await storage.sms.save(decided(message), 'received', { mt: [{ ...part, receipt: 'expired' }] })
    await storage.sms.save(endedSms(message), 'sending', { mt: [part] })
    assert.deepEqual((await storage.smsDetails.find(message.id))?.mt, [{ ...part, receipt: 'expired' }])
  })

  it('what waits is there after a restart, in the order in which it is due', async (storage, f) => {
    const later = messageIn(await receive(storage, arrived('b'), 2000))
    const first = messageIn(await receive(storage, arrived('a'), 1000))
    await storage.sms.save(decided(later), 'received', { mt: [mt(1)] })
    await receive(storage, partOf(1, 'x'), 1500)
    await storage.close()
    const again = await f.reopen()
    try {
      const due = await again.sms.due(61_500, 10)
      assert.deepEqual(due.slice(0, 2), [
        { message: first, mt: [] },
        { message: decided(later), mt: [mt(1)] },
      ])
      assert.equal(due[2]?.message.state, 'gathering')
      assert.deepEqual(await again.sms.due(61_500, 1), due.slice(0, 1))
      assert.deepEqual(textsOf(messageIn(await again.sms.receive(partOf(2, 'y'), 2000, TIMES))), ['x', 'y'])
    } finally {
      await again.close()
    }
  })

  it('[sms.console.search] is found by app, X, sender, receiver, result, binding and time, newest first, page by page', async (storage) => {
    const ids: string[] = []
    for (const [n, from] of [party(21), party(22), party(23)].entries()) {
      const message = messageIn(
        await receive(storage, arrived('a', { from, x: xNumber(n === 2 ? 2 : 1) }), 1000 * (n + 1)),
      )
      ids.push(message.id)
      if (n < 2) await storage.sms.save(endedSms(message), 'received')
    }
    const [a, b, c] = ids as [string, string, string]
    const search = async (query: Partial<Parameters<Storage['smsDetails']['search']>[0]>) =>
      (await storage.smsDetails.search({ limit: 10, ...query })).map(({ id }) => id)
    assert.deepEqual(await search({}), [c, b, a])
    assert.deepEqual(await search({ limit: 2 }), [c, b])
    assert.deepEqual(await search({ limit: 2, before: b }), [a])
    assert.deepEqual(await search({ appKey: testApp.key }), [b, a])
    assert.deepEqual(await search({ x: xNumber(2) }), [c])
    assert.deepEqual(await search({ party: party(23) }), [c])
    assert.deepEqual(await search({ party: party(22) }), [b, a], 'as sender and as receiver')
    assert.deepEqual(await search({ sender: party(22) }), [b])
    assert.deepEqual(await search({ receiver: party(22) }), [b, a])
    assert.deepEqual(await search({ sender: party(21), receiver: party(23) }), [])
    assert.deepEqual(await search({ state: 'ended' }), [b, a])
    assert.deepEqual(await search({ state: 'received' }), [c])
    assert.deepEqual(await search({ state: 'received', appKey: testApp.key }), [])
    assert.deepEqual(await search({ result: 0 }), [b, a])
    assert.deepEqual(await search({ result: 5 }), [])
    assert.deepEqual(await search({ subscriptionId: 'binding-1', party: party(21) }), [a])
    assert.deepEqual(await search({ since: 2000 }), [c, b])
    assert.deepEqual(await search({ until: 2000 }), [b, a])
    assert.deepEqual(await search({ since: 2001, until: 2999 }), [])
    assert.equal(await storage.smsDetails.find('no-such-id'), undefined)
  })

  it('old SMS go with the old calls, with their parts; those that are not ended stay', async (storage) => {
    const old = messageIn(await receive(storage, arrived('a'), 1000))
    await storage.sms.save(endedSms(old), 'received', { mt: [mt(1)] })
    const open = messageIn(await receive(storage, arrived('b'), 1000))
    const young = messageIn(await receive(storage, arrived('c'), 8000))
    await storage.sms.save(endedSms(young, 8000), 'received')
    assert.equal(await storage.archive.deleteEndedBefore(8000, 10), 1)
    const left = (await storage.smsDetails.search({ limit: 10 })).map(({ id }) => id)
    assert.deepEqual(left, [young.id, open.id])
    assert.equal(await storage.sms.receipt('smsc-1', { messageId: 'id-1', state: 'delivered' }), false)
  })
}
