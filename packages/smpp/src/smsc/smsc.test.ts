import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { RequestBodies } from '../pdu/pdu.ts'
import { STATUS } from '../pdu/status.ts'
import { Session } from '../session/session.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { NUMBER_X, PHONE_A, part } from '../testkit/pair.ts'
import { Recorder } from '../testkit/recorder.ts'
import { startSmsc } from './smsc.ts'
import type { SmscEvent, SmscOptions } from './types.ts'

const bind = { system_id: 'esme', password: 'secret' }
const message: RequestBodies['submit_sm'] = {
  source_addr_ton: 1,
  source_addr_npi: 1,
  source_addr: NUMBER_X.slice(1),
  dest_addr_ton: 1,
  dest_addr_npi: 1,
  destination_addr: PHONE_A.slice(1),
  esm_class: 0,
  registered_delivery: 0,
  data_coding: 0,
  short_message: Buffer.from('x'),
}

/** An SMSC, and bare sessions with it. */
async function start(test: TestContext, options: Partial<SmscOptions> = {}) {
  const clock = new ManualClock()
  const events = new Recorder<SmscEvent>()
  const smsc = await startSmsc({
    onSubmit: () => ({ do: 'accept' }),
    onEvent: events.push,
    clock,
    ...options,
  })
  const open = async () => {
    const socket = connect(smsc.port, '127.0.0.1')
    await once(socket, 'connect')
    const closed = new Recorder<string>()
    const session = new Session(
      socket,
      { clock, responseTimeoutMs: 60_000, enquireLinkMs: 60_000, maxHandling: 10 },
      {
        answer: () => ({ status: 0 }),
        onUnbind: () => {},
        onClosed: closed.push,
        onFault: assert.fail as (detail: string) => void,
      },
    )
    const ask = async <C extends keyof RequestBodies>(command: C, body: RequestBodies[C]) => {
      const reply = await session.request(command, body)
      return reply.kind === 'response' ? reply.pdu.status : reply.kind
    }
    return { session, closed, ask }
  }
  test.after(async () => {
    smsc.drop()
    await smsc.close()
  })
  return { smsc, clock, events, open }
}

describe('SMSC', () => {
  it('takes messages of bound transmitters and transceivers only', async (test) => {
    const { open } = await start(test)
    const { ask } = await open()
    assert.equal(await ask('submit_sm', message), STATUS.ESME_RINVBNDSTS)
    assert.equal(await ask('bind_receiver', bind), STATUS.ESME_ROK)
    assert.equal(await ask('submit_sm', message), STATUS.ESME_RINVBNDSTS)
    const other = await open()
    assert.equal(await other.ask('bind_transmitter', bind), STATUS.ESME_ROK)
    assert.equal(await other.ask('submit_sm', message), STATUS.ESME_ROK)
    assert.equal(await other.ask('deliver_sm', message), STATUS.ESME_RINVBNDSTS)
  })

  it('refuses a second bind, and a first that is not let in, which may be tried again', async (test) => {
    const { open, smsc } = await start(test, {
      onBind: ({ password, role }) =>
        role === 'transceiver' && password === 'secret' ? 0 : STATUS.ESME_RINVPASWD,
    })
    const { ask } = await open()
    assert.equal(await ask('bind_transceiver', { ...bind, password: 'wrong' }), STATUS.ESME_RINVPASWD)
    assert.deepEqual(smsc.binds(), [])
    assert.equal(await ask('bind_transceiver', bind), STATUS.ESME_ROK)
    assert.equal(await ask('bind_transceiver', bind), STATUS.ESME_RALYBND)
    assert.equal(smsc.binds()[0]?.systemId, 'esme')
  })

  it('delivers to receivers and transceivers of the name, in turn', async (test) => {
    const { open, smsc } = await start(test)
    assert.deepEqual(await smsc.deliver('esme', part('1')), { state: 'unsent' })
    const { ask } = await open()
    await ask('bind_transmitter', bind)
    assert.deepEqual(await smsc.deliver('esme', part('1')), { state: 'unsent' })
    const receiver = await open()
    await receiver.ask('bind_receiver', bind)
    assert.deepEqual(await smsc.deliver('other', part('1')), { state: 'unsent' })
    assert.deepEqual(await smsc.deliver('esme', part('1')), { state: 'accepted' })
    assert.deepEqual(await smsc.deliver('esme', { ...part('1'), from: '张三' }), {
      state: 'refused',
      status: STATUS.ESME_RINVSRCADR,
    })
  })

  it('calls a message unknown whose ESME goes away without an answer', async (test) => {
    const { open, smsc, events } = await start(test)
    const { ask } = await open()
    await ask('bind_transceiver', bind)
    const outcome = smsc.deliver('esme', part('1'))
    smsc.drop('esme')
    assert.deepEqual(await outcome, { state: 'unknown' })
    const gone = await events.until(({ kind }) => kind === 'closed')
    assert.ok(gone.kind === 'closed' && gone.systemId === 'esme' && gone.reason === 'dropped')
  })

  it('closes who does not bind in time, and who is one too many', async (test) => {
    const { open, clock, events } = await start(test, { maxConnections: 2, bindTimeoutMs: 5000 })
    const [bound, idle] = [await open(), await open()]
    await bound.ask('bind_transceiver', bind)
    const third = await open()
    await third.closed.count(1)
    clock.advance(5000)
    await idle.closed.count(1)
    const gone = await events.until(({ kind }) => kind === 'closed')
    assert.ok(gone.kind === 'closed' && gone.reason === 'no bind in time')
    assert.equal(await bound.ask('enquire_link', {}), STATUS.ESME_ROK)
  })

  it('answers nothing, or breaks the connection, where the script says so', async (test) => {
    const answers = ['ignore', 'drop'] as const
    let asked = 0
    const { open, clock } = await start(test, { onSubmit: () => ({ do: answers[asked++]! }) })
    const { ask } = await open()
    await ask('bind_transceiver', bind)
    const ignored = ask('submit_sm', message)
    assert.equal(await ask('enquire_link', {}), STATUS.ESME_ROK)
    assert.equal(await ask('submit_sm', message), 'lost')
    assert.equal(await ignored, 'lost')
    assert.ok(clock.pending <= 1)
  })

  it('unbinds who is bound when it closes', async (test) => {
    const { open, smsc } = await start(test)
    const { ask, closed } = await open()
    await ask('bind_transceiver', bind)
    await smsc.close()
    assert.deepEqual(await closed.count(1), ['the peer has unbound'])
  })
})
