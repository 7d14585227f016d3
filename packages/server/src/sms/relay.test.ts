import assert from 'node:assert/strict'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { expectedAksk, tokenByPosition } from '../notifications/delivery-test-kit.ts'
import { DATABASE_FILE } from '../storage/open-storage.ts'
import { createTestCarrier, openRelayKit, routeTo, splitNumOf } from './relay-test-kit.ts'
import { A, B, C, smsApp, X } from './sms-test-kit.ts'

/** SMS through the whole relay: storage on disk, the customer's server over HTTP, networks on the other side of the port. */

const received = (kit: Awaited<ReturnType<typeof openRelayKit>>, carrier = kit.carrier) =>
  carrier.submitted.map(({ from, to, text }) => [from, to, text])

describe('flows', () => {
  it('[sms.result.0] AXB: A’s text reaches B from X, and the customer is told', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    await kit.fromA('hello')
    assert.deepEqual(received(kit), [[X, B, 'hello']])
    const [event, ...others] = await kit.notified()
    assert.deepEqual(others, [])
    const { smsIdentifier, ...rest } = event!
    assert.match(smsIdentifier, /^[0-9a-f-]{36}$/)
    assert.deepEqual(rest, {
      notificationMode: 'Notify',
      calling: A,
      called: B,
      virtualNumber: X,
      event: 'Text SMS ',
      timeStamp: '2024-01-24T09:06:16.450Z',
      subscriptionId: 'example-id-1',
      extInfo: {
        extParas: [
          { key: 'splitNum', value: '1' },
          { key: 'direction', value: '1' },
        ],
      },
      sendResult: 0,
    })
    const [item] = await kit.storage.outbox.due(kit.clock.now(), 1)
    assert.equal(item?.url, `${kit.customer.url}/notify`)
    assert.equal(kit.customer.received.length, 0, 'nobody is asked')
  })

  it('[sms.length.tail] AX: the tail of A’s text is gone, and with it the segment that it needed', async (t) => {
    const kit = await openRelayKit(t, 'AX')
    await kit.fromA(`${'你'.repeat(70)}@13800000022`)
    assert.deepEqual(received(kit), [[X, B, '你'.repeat(70)]])
    assert.equal(splitNumOf((await kit.notified())[0]), '1')
  })

  it('[sms.length.from] AX: what somebody else sends reaches A with his number, which may need one more segment', async (t) => {
    const kit = await openRelayKit(t, 'AX')
    await kit.relayed(C, 'x'.repeat(150))
    assert.deepEqual(
      kit.carrier.submitted.map(({ to, concat }) => [to, concat?.index, concat?.total]),
      [
        [A, 1, 2],
        [A, 2, 2],
      ],
    )
    assert.equal(kit.carrier.submitted[0]?.text, `${'x'.repeat(150)}[From13800000023]`)
    const [event] = await kit.notified()
    assert.deepEqual([event?.calling, event?.called, splitNumOf(event)], [C, A, '2'])
  })

  it('[sms.push.signed] AX and X: a Block goes to the control URL, signed, and the text where the answer says', async (t) => {
    for (const mode of ['AX', 'X'] as const) {
      const kit = await openRelayKit(t, mode)
      kit.answer([routeTo(B)])
      await kit.fromA('hello')
      assert.deepEqual(received(kit), [[X, B, 'hello']])
      const [{ path, body, headers } = assert.fail('nobody was asked')] = kit.customer.received
      assert.equal(path, '/ask')
      const { smsEvent } = JSON.parse(body) as { smsEvent: Record<string, unknown> }
      assert.deepEqual(
        [smsEvent.notificationMode, smsEvent.calling, smsEvent.called, smsEvent.sendResult],
        ['Block', A, undefined, undefined],
      )
      const token = tokenByPosition(headers['x-aksk'])
      assert.equal(token.digest, expectedAksk(smsApp().secret, token.nonce, token.created))
      const [event] = await kit.notified()
      assert.deepEqual([event?.called, event?.sendResult], [B, 0])
      assert.equal(event?.smsIdentifier, smsEvent.smsIdentifier)
    }
  })

  it('a text that is discarded reaches nobody and is told as result 6', async (t) => {
    const kit = await openRelayKit(t, 'X')
    kit.answer([{ operation: 'DiscardMessage' }])
    await kit.fromA('hello')
    const [event] = await kit.notified()
    assert.deepEqual([event?.sendResult, event?.called, splitNumOf(event)], [6, undefined, '0'])
    assert.deepEqual(kit.carrier.submitted, [])
  })

  it('[sms.answer.timeout] [sms.block.once] after 5 s without an answer it is result 7, and nobody is asked again', async (t) => {
    const kit = await openRelayKit(t, 'X')
    kit.customer.react = () => ({ after: new Promise(() => {}) })
    await kit.text(A, 'hello')
    await kit.customer.arrived(1)
    kit.advance(4_999)
    assert.deepEqual(await kit.notified(), [])
    kit.advance(1)
    await kit.relay.drain()
    assert.equal((await kit.notified())[0]?.sendResult, 7)
    kit.advance(3_600_000)
    await kit.relay.drain()
    assert.equal(kit.customer.received.length, 1)
    assert.deepEqual(kit.carrier.submitted, [])
  })

  it('userData of the answer is echoed where the app carries it', async (t) => {
    const kit = await openRelayKit(t, 'AX', { app: { smsUserData: true } })
    kit.answer([routeTo(B, { userData: 'order-7' })])
    await kit.fromA('hello')
    assert.equal((await kit.notified())[0]?.userData, 'order-7')
  })

  it('the pushes carry the text as it was sent where the app has that switched on, and never else', async (t) => {
    const withText = await openRelayKit(t, 'AX', { app: { smsContentInNotify: true } })
    await withText.fromA('hello@13800000022')
    assert.equal((await withText.notified())[0]?.smsContent, 'hello@13800000022')
    withText.answer([{ operation: 'DiscardMessage' }])
    await withText.fromA('no tail')
    assert.match(withText.customer.received[0]!.body, /"smsContent":"no tail"/)
    assert.equal((await withText.notified())[1]?.smsContent, 'no tail')
    const without = await openRelayKit(t, 'AX')
    await without.fromA('hello@13800000022')
    assert.equal((await without.notified())[0]?.smsContent, undefined)
  })

  it('[sms.url.notify] an app without a notification URL is told nothing', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    const { smsNotifyUrl: _none, ...app } = smsApp({ mode: 'AXB' })
    await kit.storage.apps.saveApp(app)
    await kit.fromA('hello')
    assert.equal(kit.carrier.submitted.length, 1)
    assert.deepEqual(await kit.notified(), [])
  })

  it('[sms.notify.retry] a Notify waits in the outbox, whose ladder it goes', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    await kit.fromA('hello')
    const [item] = await kit.storage.outbox.due(kit.clock.now(), 1)
    assert.deepEqual([item?.kind, item?.attempts], ['event', 0], 'as call events do')
  })

  it('an SMS to a number that is no X is kept with result 2 and told to nobody', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    await kit.relay.handlersOf('smsc-1').onPart({
      from: '13800000021',
      to: '17000000009',
      userData: Buffer.from('hello'),
      coding: 'latin1',
      receivedAt: kit.clock.now(),
    })
    await kit.relay.drain()
    assert.deepEqual(await kit.notified(), [])
    const [message] = await kit.storage.smsDetails.search({ limit: 10 })
    assert.deepEqual([message?.x, message?.end?.result], ['+8617000000009', 2])
  })

  it('a sender that is a name or a short code is told as it came, with result 8', async (t) => {
    const kit = await openRelayKit(t, 'AX')
    await kit.relayed('BANK', 'hello')
    await kit.relayed('10690000000001', 'hello')
    assert.deepEqual(
      (await kit.notified()).map(({ calling, sendResult }) => [calling, sendResult]),
      [
        ['BANK', 8],
        ['+8610690000000001', 8],
      ],
    )
  })
})

describe('long texts', () => {
  const long = '长'.repeat(68) + '😀'.repeat(40)

  it('a long text is one decision, one id and one Notify, and reaches its receiver whole', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    await kit.fromA(long)
    assert.ok(kit.carrier.submitted.length > 2)
    assert.ok(kit.carrier.submitted.every(({ text }) => text === long))
    const [event, ...others] = await kit.notified()
    assert.deepEqual(others, [])
    assert.equal(splitNumOf(event), String(kit.carrier.submitted.length))
    const ids = kit.carrier.submitted.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
  })

  it('[sms.parts.missing] a text whose parts do not come within 60 s is result 5, with its binding, and reaches nobody', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    await kit.text(A, long, { only: 1 })
    kit.advance(59_999)
    await kit.relay.drain()
    assert.deepEqual(await kit.notified(), [])
    kit.advance(1)
    await kit.relay.drain()
    const [event] = await kit.notified()
    assert.deepEqual([event?.sendResult, event?.calling, splitNumOf(event)], [5, A, '0'])
    assert.deepEqual(kit.carrier.submitted, [])
  })

  it('[sms.length.document] the documents’ count is a setting; what is sent stays as it is', async (t) => {
    const kit = await openRelayKit(t, 'AXB', { policy: { countRule: 'document' } })
    await kit.fromA('x'.repeat(308))
    assert.equal(kit.carrier.submitted.length, 3)
    assert.equal(splitNumOf((await kit.notified())[0]), '2')
  })

  it('a carrier that cuts texts itself gets them whole, and the segments count', async (t) => {
    const kit = await openRelayKit(t, 'AXB', { carriers: [createTestCarrier('http', 'texts')] })
    await kit.fromA('x'.repeat(307))
    assert.deepEqual(
      kit.carrier.submitted.map(({ text, concat }) => [text, concat]),
      [['x'.repeat(307), undefined]],
    )
    assert.equal(splitNumOf((await kit.notified())[0]), '3')
  })
})

describe('what the network makes of it', () => {
  const parts = 'x'.repeat(400)

  it('[sms.result.9] when it refuses some of the segments, the result is 9 with the number of those it took', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    kit.carrier.react = (part, nth) =>
      nth === 2
        ? { state: 'refused', status: 69, temporary: false }
        : { state: 'accepted', messageId: part.id }
    await kit.fromA(parts)
    const [event] = await kit.notified()
    assert.deepEqual([event?.sendResult, splitNumOf(event)], [9, '2'])
    const found = await kit.storage.smsDetails.find(event!.smsIdentifier)
    assert.deepEqual(
      found?.mt.map(({ state, status }) => [state, status]),
      [
        ['accepted', undefined],
        ['refused', 69],
        ['accepted', undefined],
      ],
    )
  })

  it('[sms.result.10] when it refuses all of them, the result is 10', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    kit.carrier.react = () => ({ state: 'refused', status: 11, temporary: false })
    await kit.fromA(parts)
    const [event] = await kit.notified()
    assert.deepEqual([event?.sendResult, event?.called, splitNumOf(event)], [10, B, '0'])
  })

  it('a part whose outcome stays unknown is never sent again, by no carrier', async (t) => {
    const carriers = [createTestCarrier('smsc-1'), createTestCarrier('smsc-2')]
    const kit = await openRelayKit(t, 'AXB', { carriers })
    kit.carrier.react = () => ({ state: 'unknown' })
    await kit.fromA('hello')
    kit.advance(3_600_000)
    await kit.relay.drain()
    assert.deepEqual([carriers[0]!.submitted.length, carriers[1]!.submitted.length], [1, 0])
    assert.equal((await kit.notified())[0]?.sendResult, 10)
  })

  it('what cannot leave, or is refused for now, goes by the next carrier; a refusal for good does not', async (t) => {
    const carriers = [createTestCarrier('smsc-1'), createTestCarrier('smsc-2')]
    const kit = await openRelayKit(t, 'AXB', { carriers })
    kit.carrier.react = () => ({ state: 'unsent' })
    await kit.fromA('one')
    kit.carrier.react = () => ({ state: 'refused', status: 88, temporary: true })
    await kit.fromA('two')
    kit.carrier.react = () => ({ state: 'refused', status: 11, temporary: false })
    await kit.fromA('three')
    assert.deepEqual(
      carriers[1]!.submitted.map(({ text }) => text),
      ['one', 'two'],
    )
    assert.deepEqual(
      (await kit.notified()).map(({ sendResult }) => sendResult),
      [0, 0, 10],
    )
  })

  it('what no carrier takes is tried again, later each time, and sent when one does', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    kit.carrier.react = (part, nth) =>
      nth < 3 ? { state: 'unsent' } : { state: 'accepted', messageId: part.id }
    await kit.fromA('hello')
    for (const [advance, tries] of [
      [1_999, 1],
      [1, 2],
      [1_999, 2],
      [1, 3],
    ] as const) {
      kit.advance(advance)
      await kit.relay.drain()
      assert.equal(kit.carrier.submitted.length, tries)
    }
    assert.deepEqual(
      (await kit.notified()).map(({ sendResult }) => sendResult),
      [0],
    )
    assert.equal(new Set(kit.carrier.submitted.map(({ id }) => id)).size, 1)
  })

  it('of several parts only those are tried again that did not leave', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    kit.carrier.react = (part, nth) =>
      nth === 2 ? { state: 'unsent' } : { state: 'accepted', messageId: part.id }
    await kit.fromA(parts)
    kit.advance(2_000)
    await kit.relay.drain()
    assert.deepEqual(
      kit.carrier.submitted.map(({ concat }) => concat?.index),
      [1, 2, 3, 2],
    )
    const [event] = await kit.notified()
    assert.deepEqual([event?.sendResult, splitNumOf(event)], [0, '3'])
  })

  it('what cannot leave for too long is given up: result 10', async (t) => {
    const kit = await openRelayKit(t, 'AXB', { policy: { retryForMs: 10_000 } })
    kit.carrier.react = () => ({ state: 'unsent' })
    await kit.fromA('hello')
    for (let i = 0; i < 20; i++) {
      kit.advance(1_000)
      await kit.relay.drain()
    }
    const [event, ...others] = await kit.notified()
    assert.deepEqual([event?.sendResult, others], [10, []])
    const found = await kit.storage.smsDetails.find(event!.smsIdentifier)
    assert.equal(found?.mt[0]?.state, 'failed')
  })

  it('parts leave room for the largest header among the carriers of X, and are cut the same after a restart', async (t) => {
    const other = Object.assign(createTestCarrier('smsc-2'), { longTexts: 'udh16' } as const)
    const kit = await openRelayKit(t, 'AXB', { carriers: [createTestCarrier(), other] })
    kit.carrier.react = () => ({ state: 'unsent' })
    await kit.fromA('x'.repeat(306))
    assert.equal(other.submitted.length, 3)
    assert.equal(splitNumOf((await kit.notified())[0]), '3')
    other.react = () => ({ state: 'unsent' })
    other.submitted.length = 0
    await kit.fromA('x'.repeat(306))
    await kit.restart()
    kit.advance(2_000)
    await kit.relay.drain()
    assert.equal(other.submitted.length, 6)
    assert.deepEqual(
      other.submitted.map(({ userData }) => userData.length),
      [152, 152, 2, 152, 152, 2],
    )
  })

  it('an X from which no carrier sends is result 10', async (t) => {
    const kit = await openRelayKit(t, 'AXB', { carriers: [] })
    await kit.fromA('hello')
    assert.equal((await kit.notified())[0]?.sendResult, 10)
  })

  it('a receipt is noted at its part', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    await kit.fromA('hello')
    const [part] = kit.carrier.submitted
    await kit.relay.handlersOf('smsc-1').onReceipt({ messageId: `id-${part!.id}`, state: 'delivered' })
    const found = await kit.storage.smsDetails.find((await kit.notified())[0]!.smsIdentifier)
    assert.equal(found?.mt[0]?.receipt, 'delivered')
  })
})

it('a receipt that overtakes the outcome of its part is noted all the same', async (t) => {
  const kit = await openRelayKit(t, 'AXB')
  kit.carrier.react = async ({ id }) => {
    await kit.relay.handlersOf('smsc-1').onReceipt({ messageId: `id-${id}`, state: 'expired' })
    await kit.relay.handlersOf('smsc-1').onReceipt({ messageId: 'of-somebody', state: 'expired' })
    return { state: 'accepted', messageId: `id-${id}` }
  }
  await kit.fromA('hello')
  const found = await kit.storage.smsDetails.find((await kit.notified())[0]!.smsIdentifier)
  assert.equal(found?.mt[0]?.receipt, 'expired')
})

describe('an outcome that comes too late', () => {
  const detailsOf = async (kit: Awaited<ReturnType<typeof openRelayKit>>) => {
    const [message] = await kit.storage.smsDetails.search({ limit: 1 })
    const { mt } = (await kit.storage.smsDetails.find(message!.id))!
    return mt.map(({ state, carrierId, status, receipt }) => [state, carrierId ?? status, receipt])
  }

  it('is noted at its part, finds its receipts, and changes neither what was told nor what is sent', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    const { onLateOutcome, onReceipt } = kit.relay.handlersOf('smsc-1')
    kit.carrier.react = () => ({ state: 'unknown' })
    await kit.fromA('hello')
    const { id } = kit.carrier.submitted[0]!
    await onLateOutcome(id, { state: 'accepted', messageId: 'm1' })
    assert.deepEqual(await detailsOf(kit), [['accepted', 'm1', undefined]])
    await onReceipt({ messageId: 'm1', state: 'delivered' })
    await onLateOutcome(id, { state: 'refused', status: 8, temporary: true })
    await onLateOutcome('no-such-part', { state: 'accepted', messageId: 'm2' })
    assert.deepEqual(await detailsOf(kit), [['accepted', 'm1', 'delivered']])
    kit.advance(3_600_000)
    await kit.relay.drain()
    assert.equal(kit.carrier.submitted.length, 1)
    assert.deepEqual(
      (await kit.notified()).map(({ sendResult }) => sendResult),
      [10],
    )
  })

  it('is not sent elsewhere when it is a refusal for now', async (t) => {
    const kit = await openRelayKit(t, 'AXB', { carriers: [createTestCarrier(), createTestCarrier('smsc-2')] })
    kit.carrier.react = () => ({ state: 'unknown' })
    await kit.fromA('hello')
    await kit.relay
      .handlersOf('smsc-1')
      .onLateOutcome(kit.carrier.submitted[0]!.id, { state: 'refused', status: 88, temporary: true })
    kit.advance(3_600_000)
    await kit.relay.drain()
    assert.deepEqual(await detailsOf(kit), [['refused', 88, undefined]])
    assert.deepEqual(
      kit.carriers.map(({ submitted }) => submitted.length),
      [1, 0],
    )
  })

  it('stays when the other parts of its text come to theirs, and finds a receipt that came before', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    const { onLateOutcome, onReceipt } = kit.relay.handlersOf('smsc-1')
    const last = Promise.withResolvers<void>()
    kit.carrier.react = async ({ id, concat }) => {
      if (concat?.index === 1) return { state: 'unknown' }
      await last.promise
      return { state: 'accepted', messageId: `id-${id}` }
    }
    await kit.text(A, 'x'.repeat(200))
    while (kit.carrier.submitted.length < 2) await new Promise(setImmediate)
    await onReceipt({ messageId: 'm1', state: 'delivered' })
    await onLateOutcome(kit.carrier.submitted[0]!.id, { state: 'accepted', messageId: 'm1' })
    last.resolve()
    await kit.relay.drain()
    const parts = await detailsOf(kit)
    assert.deepEqual(parts[0], ['accepted', 'm1', 'delivered'])
    assert.deepEqual(parts[1]?.[0], 'accepted')
    assert.deepEqual(
      (await kit.notified()).map(({ sendResult }) => sendResult),
      [9],
      'the end was decided without it',
    )
  })
})

it('storage that refuses a part makes the network try again, and takes it when it works', async (t) => {
  const kit = await openRelayKit(t, 'AXB')
  const tables = new DatabaseSync(path.join(kit.dataDir, DATABASE_FILE))
  tables.exec('alter table sms_message rename to gone')
  await assert.rejects(kit.text(A, 'hello'))
  tables.exec('alter table gone rename to sms_message')
  tables.close()
  await kit.fromA('hello')
  assert.equal(kit.carrier.submitted.length, 1)
})

it('an outcome that storage refuses is kept until it can be written, and is told once', async (t) => {
  const kit = await openRelayKit(t, 'AXB')
  const tables = new DatabaseSync(path.join(kit.dataDir, DATABASE_FILE))
  kit.carrier.react = ({ id }) => {
    tables.exec('alter table sms_part rename to gone')
    return { state: 'accepted', messageId: `id-${id}` }
  }
  await kit.text(A, 'hello')
  await kit.faulted()
  tables.exec('alter table gone rename to sms_part')
  tables.close()
  kit.advance(1_000)
  await kit.relay.drain()
  const [event, ...others] = await kit.notified()
  assert.deepEqual([event?.sendResult, others], [0, []])
  assert.equal(kit.carrier.submitted.length, 1)
})

describe('a stop in good order', () => {
  it('a question that is open is asked again after the start, under the same id', async (t) => {
    const kit = await openRelayKit(t, 'X')
    kit.customer.react = () => ({ after: new Promise(() => {}) })
    await kit.text(A, 'hello')
    await kit.customer.arrived(1)
    kit.answer([routeTo(B)])
    await kit.restart()
    await kit.relay.drain()
    assert.deepEqual(received(kit), [[X, B, 'hello']])
    const ids = kit.customer.received.map(({ body }) => /"smsIdentifier":"([^"]+)"/.exec(body)?.[1])
    assert.equal(ids[0], ids[1])
    assert.equal((await kit.notified()).length, 1)
  })

  it('nothing is acknowledged while it stops', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    const { relay } = kit
    await kit.restart()
    const part = { from: A, to: X, userData: Buffer.from('x'), coding: 'gsm7', receivedAt: 0 } as const
    await assert.rejects(relay.handlersOf('smsc-1').onPart(part), { code: 'SMS_STOPPING' })
  })

  it('parts that wait for others wait on after the start', async (t) => {
    const kit = await openRelayKit(t, 'AXB')
    const long = 'x'.repeat(200)
    await kit.text(A, long, { only: 1 })
    await kit.restart()
    kit.advance(60_000)
    await kit.relay.drain()
    assert.equal((await kit.notified())[0]?.sendResult, 5)
  })
})
