import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { createSoftphone, type Laboratory, openLaboratory, type Softphone } from '@maskline/lab'
import type { TrunkConfig } from '@maskline/server'
import { requirePeer } from './peers.ts'
import { freePorts } from './support/ports.ts'
import { openSilentCarrier } from './support/silent-carrier.ts'
import { startSipp, type SippOptions, type SippRun } from './support/sipp.ts'
import { AXB, CALLER_HOST } from './support/trunk-lab.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const FIRST_HOST = '127.0.0.4'
const SECOND_HOST = '127.0.0.5'

/** A call of A to X that leaves by two trunks, the second of which answers; each has one channel, so none may be lost. */
describe('a callee behind two trunks', { timeout: 60_000 }, () => {
  let phone: Softphone | undefined
  let second: SippRun | undefined
  let secondPort: number
  before(async () => {
    secondPort = await freePorts(SECOND_HOST)
  })
  after(async () => {
    await phone?.close()
    await second?.stop(0)
  })

  const trunk = (
    name: string,
    address: string,
    port: number,
    more: Partial<TrunkConfig> = {},
  ): TrunkConfig => ({
    name,
    peer: { address, port, transport: 'udp' },
    allowFrom: [],
    numberFormat: 'e164',
    maxChannels: { out: 1 },
    // Long: only where the first is silent is it waited for.
    answerWithinMs: 30_000,
    ...more,
  })
  const callIn: TrunkConfig = { name: 'in', allowFrom: [CALLER_HOST], numberFormat: 'e164', maxChannels: 1 }

  async function openLab(first: TrunkConfig): Promise<Laboratory> {
    const lab = await openLaboratory({
      x: [X],
      trunks: [callIn, first, trunk('second', SECOND_HOST, secondPort, { priority: 1 })],
      env: { MASKLINE_SIP_PORT: `${await freePorts('127.0.0.1')}` },
    })
    await lab.api('POST', AXB, { callerNum: A, calleeNum: B, relationNum: X })
    return lab
  }

  /** Calls once, and tells what the customer was told of it. */
  async function callOnce(lab: Laboratory, expect: 'answered' | number) {
    const { address, port } = { address: lab.platform.sip.host, port: lab.platform.sip.port }
    phone = await createSoftphone({ user: A, host: CALLER_HOST, registrar: { address, port } })
    const fees = lab.customer.fees.length
    const events = lab.customer.events.length
    const call = await phone.call(X)
    if (expect === 'answered') {
      await call.answered()
      call.hangup()
    }
    const end = await call.ended()
    if (expect !== 'answered') assert.equal(end.status, expect)
    await lab.customer.waitFor((c) => c.fees.length > fees, 'the CDR')
    await lab.platform.settle()
    await phone.close()
    assert.deepEqual(lab.customer.faults, [])
    return {
      events: lab.customer.events.slice(events).map(({ eventType }) => eventType),
      fee: lab.customer.fees[fees]!,
    }
  }

  async function answersTwice(t: TestContext, first: TrunkConfig): Promise<void> {
    second ??= await startSipp({ scenario: 'uas', local: { address: SECOND_HOST, port: secondPort } })
    const lab = await openLab(first)
    t.after(() => lab.close())
    for (let i = 0; i < 2; i++) {
      const { events, fee } = await callOnce(lab, 'answered')
      assert.deepEqual(events, ['callin', 'callout', 'alerting', 'answer', 'disconnect'])
      assert.deepEqual([fee.sipStatusCode, fee.fwdUnaswRsn, fee.ulFailReason, fee.fwdDstNum], [0, 0, 0, B])
    }
  }

  test('is reached by the second when the first answers 503', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const sipp: SippOptions = {
      scenario: 'uas-refuses-at-once',
      values: { status: '503', reason: 'Service Unavailable', header: 'Server: carrier' },
      local: { address: FIRST_HOST, port: await freePorts(FIRST_HOST) },
      calls: 2,
    }
    const first = await startSipp(sipp)
    await answersTwice(t, trunk('first', FIRST_HOST, sipp.local.port!))
    const { successful, failed, errors } = await first.finished
    assert.deepEqual([successful, failed], [2, 0], errors)
  })

  test('is reached by the second when the first says nothing', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const silent = await openSilentCarrier()
    t.after(() => silent.close())
    await answersTwice(t, trunk('first', FIRST_HOST, 0, { peer: silent.trunk.peer!, answerWithinMs: 500 }))
  })

  for (const transport of ['tcp', 'udp'] as const)
    test(`is reached by the second when nothing listens at the first (${transport})`, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const port = await freePorts(FIRST_HOST)
      const first = trunk('first', FIRST_HOST, port, {
        peer: { address: FIRST_HOST, port, transport },
        // Of a datagram to nobody nothing is heard.
        ...(transport === 'udp' && { answerWithinMs: 500 }),
      })
      await answersTwice(t, first)
    })

  test('is not tried again when the first says that he is busy', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const port = await freePorts(FIRST_HOST)
    const values = { status: '486', reason: 'Busy Here' }
    const local = { address: FIRST_HOST, port }
    const first = await startSipp({ scenario: 'uas-refuses-at-once', values, local, calls: 1 })
    const lab = await openLab(trunk('first', FIRST_HOST, port))
    t.after(() => lab.close())
    const { events, fee } = await callOnce(lab, 486)
    assert.deepEqual(events, ['callin', 'callout', 'disconnect'])
    assert.deepEqual([fee.sipStatusCode, fee.fwdUnaswRsn, fee.ulFailReason], [486, 17, 8102])
    assert.equal((await first.finished).failed, 0)
  })

  test('is unreachable when both fail, and the last failure is told', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    await second?.stop(0)
    second = undefined
    const values = { status: '500', reason: 'Server Internal Error' }
    const local = { address: SECOND_HOST, port: secondPort }
    const last = await startSipp({ scenario: 'uas-refuses-at-once', values, local, calls: 1 })
    const port = await freePorts(FIRST_HOST)
    const peer = { address: FIRST_HOST, port, transport: 'tcp' } as const
    const lab = await openLab(trunk('first', FIRST_HOST, port, { peer }))
    t.after(() => lab.close())
    const { events, fee } = await callOnce(lab, 480)
    assert.deepEqual(events, ['callin', 'callout', 'disconnect'])
    assert.deepEqual([fee.sipStatusCode, fee.fwdUnaswRsn, fee.ulFailReason], [500, 41, 8103])
    assert.equal((await last.finished).failed, 0)
  })
})
