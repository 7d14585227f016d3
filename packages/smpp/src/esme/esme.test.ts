import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STATUS } from '../pdu/status.ts'
import { joinParts, splitText } from '../text/split.ts'
import { NUMBER_X, PHONE_A, PHONE_B, part, startPair, textOf } from '../testkit/pair.ts'
import { createEsme } from './esme.ts'
import type { EsmeEvent, OutgoingPart, SubmitOutcome } from './types.ts'

const isBound = (event: EsmeEvent) => event.kind === 'bound'
const isLost = (event: EsmeEvent) => event.kind === 'lost'
const isThrottled = (event: EsmeEvent) => event.kind === 'throttled'

describe('SMPP client with an SMSC', () => {
  it('submits and is told of the delivery', async (test) => {
    const { esme, receipts } = await startPair(test, {
      smsc: { onSubmit: () => ({ do: 'accept', messageId: 'm1', receipt: 'delivered' }) },
    })
    await esme.whenReady()
    assert.deepEqual(await esme.submit(part('hello')), { state: 'accepted', messageId: 'm1' })
    assert.deepEqual(await receipts.count(1), [{ messageId: 'm1', state: 'delivered' }])
  })

  it('carries long texts of every kind both ways', async (test) => {
    const texts = ['long '.repeat(70), '你好'.repeat(100), '😀'.repeat(50), '€[]'.repeat(90)]
    const { esme, smsc, messages, submits } = await startPair(test)
    await esme.whenReady()
    for (const [i, text] of texts.entries()) {
      for (const header of ['udh8', 'udh16', 'sar'] as const) {
        const from = [submits.all.length, messages.all.length] as const
        const parts = splitText(text, { reference: 300 + i, header })
        assert.ok(parts.length > 1)
        const outcomes = parts.map((one) => esme.submit({ from: NUMBER_X, to: PHONE_B, ...one }))
        const held = (await submits.count(from[0] + parts.length)).slice(from[0])
        for (const { answer } of held) answer({ do: 'accept' })
        for (const { state } of await Promise.all(outcomes)) assert.equal(state, 'accepted')
        assert.equal(joinParts(held.map((one) => one.part)), text)

        for (const one of parts) await smsc.deliver('esme', { from: PHONE_A, to: NUMBER_X, ...one })
        const got = messages.all.slice(from[1])
        assert.deepEqual(
          got.map(({ concat }) => concat),
          parts.map(({ concat }) => concat),
        )
        assert.equal(joinParts(got), text)
      }
    }
  })

  it('tells whether the SMSC has read an acknowledgement', async (test) => {
    const { esme, smsc, messages, clock, smscEvents } = await startPair(test)
    await esme.whenReady()
    const text = { from: PHONE_A, to: NUMBER_X, userData: Buffer.from('hi'), coding: 'gsm7' } as const
    assert.deepEqual(await smsc.deliver('esme', text), { state: 'accepted' })
    clock.advance(1000)
    assert.equal(await messages.all[0]!.acknowledgement, 'read')
    assert.deepEqual(await smsc.deliver('esme', text), { state: 'accepted' })
    smsc.drop()
    await smscEvents.until(({ kind }) => kind === 'closed')
    assert.equal(await messages.all[1]!.acknowledgement, 'lost')
  })

  it('hands out a message of a handset, and acknowledges it when the promise is fulfilled', async (test) => {
    let stored!: () => void
    let told!: () => void
    const arrival = new Promise<void>((resolve) => (told = resolve))
    const { esme, smsc, clock } = await startPair(test, {
      esme: {
        onMessage: ({ from, to, receivedAt }) => {
          assert.deepEqual([from, to, receivedAt], [PHONE_A, NUMBER_X, clock.now()])
          told()
          return new Promise((resolve) => (stored = resolve))
        },
      },
    })
    await esme.whenReady()
    let isAcknowledged = false
    const outcome = smsc
      .deliver('esme', { from: PHONE_A, to: NUMBER_X, userData: Buffer.from('hi'), coding: 'gsm7' })
      .finally(() => (isAcknowledged = true))
    await arrival
    assert.ok(!isAcknowledged)
    stored()
    assert.deepEqual(await outcome, { state: 'accepted' })
  })

  it('asks for another delivery when a message or a receipt could not be stored', async (test) => {
    const { esme, smsc } = await startPair(test, {
      esme: {
        onMessage: () => Promise.reject(new Error('disk full')),
        onReceipt: () => {
          throw new Error('disk full')
        },
      },
    })
    await esme.whenReady()
    const again = { state: 'refused', status: STATUS.ESME_RX_T_APPN }
    const message = { from: PHONE_A, to: NUMBER_X, userData: Buffer.from('hi'), coding: 'gsm7' } as const
    assert.deepEqual(await smsc.deliver('esme', message), again)
    const sent = { from: NUMBER_X, to: PHONE_B, receivedAt: 0 }
    assert.deepEqual(await smsc.sendReceipt('esme', { messageId: '1', state: 'expired' }, sent), again)
  })

  it('refuses more messages than may wait for their promise', async (test) => {
    const { esme, smsc, messages } = await startPair(test, {
      esme: { maxIncoming: 2, onMessage: (one) => (messages.push(one), new Promise(() => {})) },
    })
    await esme.whenReady()
    const message = { from: PHONE_A, to: NUMBER_X, userData: Buffer.from('hi'), coding: 'gsm7' } as const
    void smsc.deliver('esme', message)
    void smsc.deliver('esme', message)
    assert.deepEqual(await smsc.deliver('esme', message), { state: 'refused', status: STATUS.ESME_RMSGQFUL })
    assert.equal(messages.all.length, 2)
  })

  it('binds a transmitter and a receiver, and several of them', async (test) => {
    const { esme, esmeEvents, smsc, messages, submits } = await startPair(test, {
      esme: { bind: 'separate', connections: 2, window: 1 },
    })
    await esmeEvents.count(4)
    assert.deepEqual(
      smsc
        .binds()
        .map(({ role }) => role)
        .toSorted(),
      ['receiver', 'receiver', 'transmitter', 'transmitter'],
    )
    const outcomes = [esme.submit(part('1')), esme.submit(part('2')), esme.submit(part('3'))]
    await submits.count(2)
    assert.equal(esme.state().queued, 1)
    assert.deepEqual(
      esme.state().connections.map(({ role, inFlight }) => [role, inFlight]),
      [
        ['transmitter', 1],
        ['receiver', 0],
        ['transmitter', 1],
        ['receiver', 0],
      ],
    )
    for (let i = 0; i < 3; i++) (await submits.count(i + 1))[i]!.answer({ do: 'accept' })
    for (const { state } of await Promise.all(outcomes)) assert.equal(state, 'accepted')
    for (const text of ['a', 'b']) {
      const outcome = await smsc.deliver('esme', { ...part(text), from: PHONE_A, to: NUMBER_X })
      assert.deepEqual(outcome, { state: 'accepted' })
    }
    assert.deepEqual(messages.all.map(textOf), ['a', 'b'])
  })

  it('keeps to its window, in order', async (test) => {
    const { esme, submits } = await startPair(test, { esme: { window: 2 } })
    await esme.whenReady()
    const outcomes = ['1', '2', '3', '4', '5'].map((text) => esme.submit(part(text)))
    for (let answered = 0; answered < 5; answered++) {
      const held = await submits.count(Math.min(answered + 2, 5))
      assert.equal(held.length, Math.min(answered + 2, 5))
      assert.equal(esme.state().connections[0]?.inFlight, Math.min(2, 5 - answered))
      held[answered]!.answer({ do: 'accept' })
      await outcomes[answered]
    }
    assert.deepEqual(
      submits.all.map((held) => textOf(held.part)),
      ['1', '2', '3', '4', '5'],
    )
  })

  it('writes numbers and names as the rules say, and refuses what no address can carry', async (test) => {
    const { esme, submits } = await startPair(test, {
      esme: { numbers: { countryCode: '86', source: 'bare', destination: 'national' } },
      smsc: { numbers: { countryCode: '86' } },
    })
    await esme.whenReady()
    const outcome = esme.submit({ ...part('x'), receipt: false, validitySec: 90_061 })
    const [held] = await submits.count(1)
    assert.deepEqual([held!.part.from, held!.part.to, held!.part.receipt], ['8617000000001', PHONE_B, false])
    held!.answer({ do: 'accept' })
    await outcome
    const refused = (status: number): SubmitOutcome => ({ state: 'refused', status, temporary: false })
    assert.deepEqual(await esme.submit({ ...part('x'), from: '张三' }), refused(STATUS.ESME_RINVSRCADR))
    assert.deepEqual(await esme.submit({ ...part('x'), to: '' }), refused(STATUS.ESME_RINVDSTADR))
    const endless: OutgoingPart = { ...part(''), userData: new Uint8Array(70_000) }
    assert.deepEqual(await esme.submit(endless), refused(STATUS.ESME_RINVMSGLEN))
  })

  it('brings ids of responses and receipts into one form', async (test) => {
    const { esme, smsc, receipts } = await startPair(test, {
      esme: { messageIds: { response: 'hex', receipt: 'decimal' } },
      smsc: { onSubmit: () => ({ do: 'accept', messageId: '00ff' }) },
    })
    await esme.whenReady()
    assert.deepEqual(await esme.submit(part('x')), { state: 'accepted', messageId: '255' })
    const sent = { from: NUMBER_X, to: PHONE_B, receivedAt: 0 }
    await smsc.sendReceipt('esme', { messageId: '0255', state: 'delivered' }, sent)
    assert.deepEqual(receipts.all, [{ messageId: '255', state: 'delivered' }])
  })

  it('tells a refusal with its status', async (test) => {
    const statuses = [STATUS.ESME_RINVDSTADR, STATUS.ESME_RSYSERR, 0x401]
    const { esme } = await startPair(test, {
      smsc: { onSubmit: () => ({ do: 'refuse', status: statuses.shift()! }) },
    })
    await esme.whenReady()
    const outcomes = [
      await esme.submit(part('1')),
      await esme.submit(part('2')),
      await esme.submit(part('3')),
    ]
    assert.deepEqual(outcomes, [
      { state: 'refused', status: STATUS.ESME_RINVDSTADR, temporary: false },
      { state: 'refused', status: STATUS.ESME_RSYSERR, temporary: true },
      { state: 'refused', status: 0x401, temporary: false },
    ])
  })
})

describe('SMPP client that is asked to slow down', () => {
  it('pauses longer each time, sends the part again, and no part twice that was taken', async (test) => {
    let refusals = 3
    const taken: string[] = []
    const { esme, esmeEvents, clock } = await startPair(test, {
      esme: { window: 1, throttleMs: [500, 1500] },
      smsc: {
        onSubmit: (one) => {
          if (refusals-- > 0) return { do: 'refuse', status: STATUS.ESME_RTHROTTLED }
          taken.push(textOf(one))
          return { do: 'accept' }
        },
      },
    })
    await esme.whenReady()
    const outcomes = ['1', '2', '3'].map((text) => esme.submit(part(text)))
    const pauses: number[] = []
    for (let i = 0; i < 3; i++) {
      const event = await esmeEvents.until(isThrottled)
      assert.ok(event.kind === 'throttled')
      pauses.push(event.pauseMs)
      esmeEvents.all.length = 0
      assert.deepEqual(taken, [])
      clock.advance(event.pauseMs)
    }
    assert.deepEqual(pauses, [500, 1000, 1500])
    for (const { state } of await Promise.all(outcomes)) assert.equal(state, 'accepted')
    assert.deepEqual(taken, ['1', '2', '3'])
  })

  it('halves its window, and opens it again with what is taken', async (test) => {
    const { esme, esmeEvents, submits, clock } = await startPair(test, { esme: { window: 4 } })
    await esme.whenReady()
    const outcomes = ['1', '2', '3', '4', '5', '6'].map((text) => esme.submit(part(text)))
    const first = (await submits.count(4)).slice()
    for (const { answer } of first) answer({ do: 'refuse', status: STATUS.ESME_RMSGQFUL })
    const event = await esmeEvents.until(isThrottled)
    assert.ok(event.kind === 'throttled')
    assert.equal(event.status, STATUS.ESME_RMSGQFUL)
    while (esme.state().queued < 6) await new Promise(setImmediate)
    clock.advance(event.pauseMs)
    assert.equal(esme.state().connections[0]?.inFlight, 2)
    for (let i = 4; i < 10; i++) {
      const held = (await submits.count(i + 1))[i]!
      assert.equal(textOf(held.part), String(i - 3))
      held.answer({ do: 'accept' })
    }
    for (const { state } of await Promise.all(outcomes)) assert.equal(state, 'accepted')
  })

  it('gives a part back as refused for the time being when its patience ends', async (test) => {
    const { esme, esmeEvents, clock } = await startPair(test, {
      esme: { window: 1, throttleMs: [1000, 1000], patienceMs: 1500 },
      smsc: { onSubmit: () => ({ do: 'refuse', status: STATUS.ESME_RTHROTTLED }) },
    })
    await esme.whenReady()
    const [tried, waiting] = [esme.submit(part('1')), esme.submit(part('2'))]
    for (let i = 0; i < 2; i++) {
      await esmeEvents.until(isThrottled)
      esmeEvents.all.length = 0
      clock.advance(1000)
    }
    assert.deepEqual(await tried, { state: 'refused', status: STATUS.ESME_RTHROTTLED, temporary: true })
    assert.deepEqual(await waiting, { state: 'unsent' })
  })

  it('keeps to an agreed rate', async (test) => {
    const { esme, submits, clock } = await startPair(test, { esme: { window: 100, maxPerSecond: 20 } })
    await esme.whenReady()
    const outcomes = Array.from({ length: 30 }, () => esme.submit(part('x')))
    const sent = () => 30 - esme.state().queued
    const atOnce = sent()
    assert.ok(atOnce <= 2)
    clock.advance(1000)
    assert.equal(sent(), atOnce + 20)
    clock.advance(1000)
    for (const { answer } of await submits.count(30)) answer({ do: 'accept' })
    for (const { state } of await Promise.all(outcomes)) assert.equal(state, 'accepted')
  })
})

describe('SMPP client whose connection breaks', () => {
  it('calls unknown what was written, unsent what was queued, and comes back', async (test) => {
    const { esme, esmeEvents, smsc, submits, clock } = await startPair(test, { esme: { window: 2 } })
    await esme.whenReady()
    const outcomes = ['1', '2', '3', '4'].map((text) => esme.submit(part(text)))
    await submits.count(2)
    smsc.drop()
    assert.deepEqual(await Promise.all(outcomes), [
      { state: 'unknown' },
      { state: 'unknown' },
      { state: 'unsent' },
      { state: 'unsent' },
    ])
    const lost = await esmeEvents.until(isLost)
    assert.ok(lost.kind === 'lost' && lost.retryInMs === 1000)
    assert.deepEqual(await esme.submit(part('5')), { state: 'unsent' })
    clock.advance(1000)
    await esme.whenReady()
    const again = esme.submit(part('6'))
    const held = (await submits.count(3))[2]!
    assert.equal(textOf(held.part), '6')
    held.answer({ do: 'accept' })
    assert.equal((await again).state, 'accepted')
  })

  it('goes on with the other connections', async (test) => {
    const { esme, esmeEvents, submits } = await startPair(test, { esme: { connections: 2, window: 1 } })
    await esmeEvents.count(2)
    const outcomes = ['1', '2', '3'].map((text) => esme.submit(part(text)))
    const [one, two] = await submits.count(2)
    one!.answer({ do: 'drop' })
    two!.answer({ do: 'accept' })
    ;(await submits.count(3))[2]!.answer({ do: 'accept' })
    const states = (await Promise.all(outcomes)).map(({ state }) => state)
    assert.deepEqual(states.toSorted(), ['accepted', 'accepted', 'unknown'])
    assert.equal(states[2], 'accepted')
  })

  it('tries again after longer and longer pauses with chance in them', async (test) => {
    const { esmeEvents, clock } = await startPair(test, {
      esme: { retryMs: [1000, 3000], random: () => 0.5 },
      smsc: { onBind: () => STATUS.ESME_RBINDFAIL },
    })
    for (const retryInMs of [750, 1500, 2250, 2250]) {
      const event = await esmeEvents.until(isLost)
      assert.ok(event.kind === 'lost')
      assert.equal(event.reason, 'the bind was refused: ESME_RBINDFAIL')
      assert.equal(event.retryInMs, retryInMs)
      esmeEvents.all.length = 0
      clock.advance(retryInMs)
    }
    await esmeEvents.until(isLost)
  })

  it('goes to the next host when one does not answer', async (test) => {
    const { smsc } = await startPair(test)
    const { esme, esmeEvents, clock } = await startPair(test, {
      esme: {
        hosts: [
          { host: '127.0.0.1', port: 1 },
          { host: '127.0.0.1', port: smsc.port },
        ],
      },
    })
    const lost = await esmeEvents.until(isLost)
    assert.ok(lost.kind === 'lost' && lost.peer === '127.0.0.1:1' && lost.retryInMs !== undefined)
    clock.advance(lost.retryInMs)
    const bound = await esmeEvents.until(isBound)
    assert.ok(bound.kind === 'bound' && bound.peer === `127.0.0.1:${smsc.port}`)
    await esme.whenReady()
  })

  it('tells of a response that came after its time', async (test) => {
    const late: unknown[] = []
    let told!: () => void
    const arrival = new Promise<void>((resolve) => (told = resolve))
    const { esme, submits, clock } = await startPair(test, {
      esme: {
        responseTimeoutMs: 5000,
        onLateOutcome: (one, outcome) => {
          late.push([textOf(one), outcome])
          told()
        },
      },
    })
    await esme.whenReady()
    const outcome = esme.submit(part('1'))
    const [held] = await submits.count(1)
    clock.advance(5000)
    assert.deepEqual(await outcome, { state: 'unknown' })
    assert.equal(esme.state().connections[0]?.inFlight, 0)
    held!.answer({ do: 'accept', messageId: 'm1' })
    await arrival
    assert.deepEqual(late, [['1', { state: 'accepted', messageId: 'm1' }]])
  })

  it('lets an SMSC that unbinds answer what it has, and binds again', async (test) => {
    const { esme, esmeEvents, smsc, submits } = await startPair(test, { esme: { window: 1 } })
    await esme.whenReady()
    const [sent, queued] = [esme.submit(part('1')), esme.submit(part('2'))]
    const [held] = await submits.count(1)
    const closed = smsc.close()
    held!.answer({ do: 'accept' })
    assert.equal((await sent).state, 'accepted')
    await queued
    const lost = await esmeEvents.until(isLost)
    assert.ok(lost.kind === 'lost' && lost.retryInMs !== undefined)
    await closed
  })

  it('gives back what is queued, waits for what is in flight and unbinds when it is closed', async (test) => {
    const { esme, esmeEvents, smscEvents, submits, clock } = await startPair(test, { esme: { window: 1 } })
    await esme.whenReady()
    const [sent, queued] = [esme.submit(part('1')), esme.submit(part('2'))]
    const [held] = await submits.count(1)
    const closed = esme.close()
    assert.deepEqual(await queued, { state: 'unsent' })
    assert.deepEqual(await esme.submit(part('3')), { state: 'unsent' })
    held!.answer({ do: 'accept', messageId: 'm1' })
    assert.deepEqual(await sent, { state: 'accepted', messageId: 'm1' })
    await closed
    const last = esmeEvents.all.at(-1)!
    assert.ok(last.kind === 'lost' && last.reason === 'unbound' && last.retryInMs === undefined)
    const gone = await smscEvents.until((event) => event.kind === 'closed')
    assert.ok(gone.kind === 'closed' && gone.reason === 'the peer has unbound')
    await assert.rejects(esme.whenReady())
    assert.equal(clock.pending, 0)
  })

  it('says at once that an option can never be written', () => {
    const options = { systemId: 'esme', password: 'x', onMessage: () => {}, onReceipt: () => {} }
    const hosts = [{ host: '127.0.0.1', port: 2775 }]
    assert.throws(() => createEsme({ ...options, hosts, systemId: '张三' }), /systemId/)
    assert.throws(() => createEsme({ ...options, hosts: [] }), /hosts/)
  })
})
