import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { decodePdu, encodePdu } from '../pdu/codec.ts'
import { PduFramer } from '../pdu/framer.ts'
import { MAX_SEQUENCE, type Pdu, type RequestPdu } from '../pdu/pdu.ts'
import { STATUS } from '../pdu/status.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { Recorder } from '../testkit/recorder.ts'
import type { AnswerFate } from './answer-watch.ts'
import { Session, type Answer, type SessionOptions } from './session.ts'

/** A session, and the bare socket of its peer. */
async function open(
  test: TestContext,
  options: Partial<SessionOptions> = {},
  answer: (pdu: RequestPdu) => Promise<Answer> | Answer = () => ({ status: 0 }),
) {
  const clock = new ManualClock()
  const faults = new Recorder<string>()
  const closed = new Recorder<string>()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  peer.on('error', () => {})
  const session = new Session(
    socket,
    { clock, responseTimeoutMs: 5000, enquireLinkMs: 30_000, maxHandling: 3, ...options },
    { answer, onUnbind: () => {}, onClosed: closed.push, onFault: faults.push },
  )
  const pdus = new Recorder<Pdu>()
  const framer = new PduFramer()
  peer.on('data', (chunk: Buffer) => {
    framer.push(chunk, (bytes) => {
      const decoded = decodePdu(bytes)
      assert.ok(decoded.kind === 'pdu')
      pdus.push(decoded.pdu)
    })
  })
  test.after(async () => {
    session.destroy('test over')
    peer.destroy()
    await closed.count(1)
    assert.equal(clock.pending, 0)
  })
  return { session, peer, clock, faults, closed, pdus }
}

const message = {
  source_addr_ton: 0,
  source_addr_npi: 0,
  source_addr: '1',
  dest_addr_ton: 0,
  dest_addr_npi: 0,
  destination_addr: '2',
  esm_class: 0,
  registered_delivery: 0,
  data_coding: 0,
  short_message: Buffer.from('x'),
}

/** A PDU of any command, with the header that it says. */
function rawPdu(commandId: number, sequence: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32BE(16 + body.length, 0)
  head.writeUInt32BE(commandId, 4)
  head.writeUInt32BE(sequence, 12)
  return Buffer.concat([head, body])
}

describe('SMPP session', () => {
  it('pairs responses with requests in any order, and numbers on after 0x7fffffff with 1', async (test) => {
    const { session, peer, pdus } = await open(test, { lastSequence: MAX_SEQUENCE - 1 })
    const replies = ['a', 'b', 'c'].map(() => session.request('submit_sm', message))
    assert.deepEqual(
      (await pdus.count(3)).map(({ sequence }) => sequence),
      [MAX_SEQUENCE, 1, 2],
    )
    for (const sequence of [2, MAX_SEQUENCE, 1]) {
      peer.write(encodePdu('submit_sm_resp', sequence, { message_id: `m${sequence}` }))
    }
    const ids = (await Promise.all(replies)).map((reply) => {
      assert.ok(reply.kind === 'response' && reply.pdu.command === 'submit_sm_resp')
      return reply.pdu.body.message_id
    })
    assert.deepEqual(ids, [`m${MAX_SEQUENCE}`, 'm1', 'm2'])
  })

  it('takes generic_nack as the response', async (test) => {
    const { session, peer, pdus } = await open(test)
    const reply = session.request('submit_sm', message)
    const [sent] = await pdus.count(1)
    peer.write(encodePdu('generic_nack', sent!.sequence, {}, STATUS.ESME_RINVCMDLEN))
    const got = await reply
    assert.ok(got.kind === 'response' && got.pdu.status === STATUS.ESME_RINVCMDLEN)
  })

  it('takes no response of another command, and none that nobody asked for', async (test) => {
    const { session, peer, pdus, faults } = await open(test)
    const reply = session.request('submit_sm', message)
    const [{ sequence }] = (await pdus.count(1)) as [Pdu]
    peer.write(encodePdu('enquire_link_resp', sequence, {}))
    peer.write(encodePdu('submit_sm_resp', sequence + 1, { message_id: 'wrong' }))
    assert.match((await faults.count(2))[1]!, /submit_sm_resp .* answers no request/)
    peer.write(encodePdu('submit_sm_resp', sequence, { message_id: 'right' }))
    const got = await reply
    assert.ok(got.kind === 'response' && got.pdu.command === 'submit_sm_resp')
    assert.equal(got.pdu.body.message_id, 'right')
  })

  it('asks a silent peer, and closes when that is not answered', async (test) => {
    const { peer, pdus, closed, clock } = await open(test)
    clock.advance(29_000)
    peer.write(encodePdu('enquire_link', 7, {}))
    await pdus.until(({ command, sequence }) => command === 'enquire_link_resp' && sequence === 7)
    clock.advance(29_000)
    assert.equal(pdus.all.length, 1)
    clock.advance(1000)
    const asked = await pdus.until(({ command }) => command === 'enquire_link')
    peer.write(encodePdu('enquire_link_resp', asked.sequence, {}))
    // the answer has been read when the next one is answered
    peer.write(encodePdu('enquire_link', 8, {}))
    await pdus.until(({ sequence }) => sequence === 8)
    clock.advance(30_000)
    await pdus.until(({ command, sequence }) => command === 'enquire_link' && sequence > asked.sequence)
    assert.equal(closed.all.length, 0)
    clock.advance(5000)
    assert.deepEqual(await closed.count(1), ['enquire_link was not answered'])
  })

  it('knows that an answer was read when the peer answers what was asked a second later', async (test) => {
    const fates = new Recorder<AnswerFate>()
    const { peer, pdus, clock } = await open(test, {}, () => ({ status: 0, onFate: fates.push }))
    peer.write(Buffer.concat([encodePdu('deliver_sm', 1, message), encodePdu('deliver_sm', 2, message)]))
    await pdus.count(2)
    clock.advance(999)
    assert.equal(pdus.all.length, 2)
    clock.advance(1)
    const asked = await pdus.until(({ command }) => command === 'enquire_link')
    assert.deepEqual(fates.all, [])
    peer.write(encodePdu('enquire_link_resp', asked.sequence, {}))
    assert.deepEqual(await fates.count(2), ['read', 'read'])
    assert.equal(pdus.all.length, 3, 'one question for both')
  })

  it('knows that its answers were read when the peer answers unbind', async (test) => {
    const fates = new Recorder<AnswerFate>()
    const { session, peer, pdus, closed } = await open(test, {}, () => ({ status: 0, onFate: fates.push }))
    peer.write(encodePdu('deliver_sm', 1, message))
    await pdus.count(1)
    session.finish()
    const unbind = await pdus.until(({ command }) => command === 'unbind')
    peer.write(encodePdu('unbind_resp', unbind.sequence, {}))
    assert.deepEqual(await fates.count(1), ['read'])
    await closed.count(1)
  })

  it('counts an answer as lost when the connection ends before anything shows that it was read', async (test) => {
    const fates = new Recorder<AnswerFate>()
    const answers: ((answer: Answer) => void)[] = []
    const { peer, pdus, closed, clock } = await open(
      test,
      {},
      () => new Promise((resolve) => answers.push(resolve)),
    )
    const answer = () => answers.shift()!({ status: 0, onFate: fates.push })
    for (const sequence of [1, 2, 3]) peer.write(encodePdu('deliver_sm', sequence, message))
    peer.write(encodePdu('enquire_link', 4, {}))
    await pdus.count(1)
    answer()
    await pdus.until(({ sequence }) => sequence === 1)
    clock.advance(1000)
    await pdus.until(({ command }) => command === 'enquire_link')
    answer()
    await pdus.until(({ sequence, command }) => sequence === 2 && command === 'deliver_sm_resp')
    peer.destroy()
    await closed.count(1)
    answer()
    assert.deepEqual(await fates.count(3), ['lost', 'lost', 'lost'])
  })

  it('waits for what is in flight before it unbinds', async (test) => {
    const { session, peer, pdus, closed } = await open(test)
    const reply = session.request('submit_sm', message)
    session.finish()
    assert.deepEqual(await session.request('submit_sm', message), { kind: 'unsent' })
    const [sent] = await pdus.count(1)
    peer.write(encodePdu('submit_sm_resp', sent!.sequence, { message_id: 'm' }))
    assert.equal((await reply).kind, 'response')
    const unbind = await pdus.until(({ command }) => command === 'unbind')
    peer.write(encodePdu('unbind_resp', unbind.sequence, {}))
    assert.deepEqual(await closed.count(1), ['unbound'])
  })

  it('closes when unbind is not answered', async (test) => {
    const { session, pdus, closed, clock } = await open(test)
    session.finish()
    await pdus.until(({ command }) => command === 'unbind')
    clock.advance(5000)
    assert.deepEqual(await closed.count(1), ['unbind was not answered'])
  })

  it('answers unbind, and what it still handles', async (test) => {
    let answer!: (answer: Answer) => void
    const { peer, pdus, closed } = await open(test, {}, () => new Promise((resolve) => (answer = resolve)))
    peer.write(encodePdu('deliver_sm', 1, message))
    peer.write(encodePdu('unbind', 2, {}))
    await pdus.until(({ command }) => command === 'unbind_resp')
    answer({ status: 0 })
    await pdus.until(({ command, sequence }) => command === 'deliver_sm_resp' && sequence === 1)
    assert.deepEqual(await closed.count(1), ['the peer has unbound'])
  })
})

describe('SMPP session with a hostile peer', () => {
  it('closes on garbage, and says so', async (test) => {
    for (const garbage of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('16030100ff', 'hex'),
      Buffer.alloc(64),
      Buffer.from('00000004', 'hex'),
    ]) {
      const { peer, closed, session } = await open(test)
      const reply = session.request('submit_sm', message)
      peer.write(garbage)
      assert.match((await closed.count(1))[0]!, /^garbage: a PDU of \d+ octets/)
      assert.deepEqual(await reply, { kind: 'lost' })
      assert.deepEqual(await session.request('submit_sm', message), { kind: 'unsent' })
    }
  })

  it('goes on after what it does not know and what is malformed', async (test) => {
    const { peer, pdus, faults } = await open(test)
    peer.write(rawPdu(0x0111, 1))
    peer.write(rawPdu(0x80000111, 2))
    peer.write(rawPdu(0x05, 3, Buffer.from('0001')))
    peer.write(encodePdu('deliver_sm', 4, message))
    await pdus.until(({ sequence }) => sequence === 4)
    assert.deepEqual(
      pdus.all.map(({ command, status, sequence }) => [command, status, sequence]),
      [
        ['generic_nack', STATUS.ESME_RINVCMDID, 1],
        ['deliver_sm_resp', STATUS.ESME_RINVCMDLEN, 3],
        ['deliver_sm_resp', 0, 4],
      ],
    )
    assert.equal(faults.all.length, 3)
  })

  it('refuses what is more than it may handle at a time', async (test) => {
    const { peer, pdus } = await open(test, {}, () => new Promise(() => {}))
    for (let sequence = 1; sequence <= 5; sequence++) peer.write(encodePdu('deliver_sm', sequence, message))
    assert.deepEqual(
      (await pdus.count(2)).map(({ status, sequence }) => [status, sequence]),
      [
        [STATUS.ESME_RMSGQFUL, 4],
        [STATUS.ESME_RMSGQFUL, 5],
      ],
    )
  })

  it('answers ESME_RSYSERR when the handler fails, and when its answer cannot be written', async (test) => {
    const answers: (() => Answer)[] = [
      () => {
        throw new TypeError('a text that must not be told')
      },
      () => ({ status: 0, body: { message_id: 'é' } }),
    ]
    const { peer, pdus, faults } = await open(test, {}, () => answers.shift()!())
    peer.write(encodePdu('submit_sm', 1, message))
    peer.write(encodePdu('submit_sm', 2, message))
    const statuses = (await pdus.count(2)).map(({ status }) => status)
    assert.deepEqual(statuses, [STATUS.ESME_RSYSERR, STATUS.ESME_RSYSERR])
    assert.deepEqual(faults.all, ['submit_sm failed: TypeError', 'submit_sm failed: RangeError'])
  })

  it('closes on a peer that asks and does not read', async (test) => {
    const answer = { status: 0, body: { message_id: 'm'.repeat(60_000) } }
    const { peer, closed } = await open(test, { maxHandling: 1000 }, () => answer)
    peer.pause()
    const flood = Buffer.concat(Array.from({ length: 100 }, (_, i) => encodePdu('submit_sm', i + 1, message)))
    const goOn = () => {
      if (peer.writable) peer.write(flood, goOn)
    }
    goOn()
    assert.deepEqual(await closed.count(1), ['the peer does not read'])
  })

  it('outlives any bytes', async (test) => {
    const { peer, pdus } = await open(test, { maxHandling: 1000 })
    const commands = fc.constantFrom(
      1,
      2,
      4,
      5,
      9,
      0x103,
      0x15,
      0x80000000,
      0x80000004,
      0x80000005,
      0x80000015,
      0x77,
    )
    const rubbish = fc.tuple(commands, fc.uint8Array({ maxLength: 120, size: 'max' }))
    const all = fc.sample(rubbish, { numRuns: 3000, seed: 7 })
    for (const [command, body] of all) peer.write(rawPdu(command, 0x7000, Buffer.from(body)))
    peer.write(encodePdu('enquire_link', 9, {}))
    await pdus.until(({ command, sequence }) => command === 'enquire_link_resp' && sequence === 9)
  })
})
