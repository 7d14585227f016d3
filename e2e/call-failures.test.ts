import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { createSoftphone, type PhoneCall, type Softphone, type SoftphoneOptions } from '@maskline/lab'
import { toneAmplitudes } from '@maskline/media'
import { requirePeer } from './peers.ts'
import { type ScenarioName, runSipp, startSipp } from './support/sipp.ts'
import { AXB, CALLEE_HOST, CALLER_HOST, openTrunkLab, type TrunkLab } from './support/trunk-lab.ts'
import { waitFor } from './support/wait.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const STRANGER = '+8613800000023'
const FIXED = '+8675528000001'
const X = '+8617000000001'
/** An X of the app on which nobody is bound. */
const EMPTY_X = '+8617000000002'
/** An X on which B may not call. */
const ONE_WAY_X = '+8617000000003'
const STRANGE_X = '+8617000000009'

const national = (number: string): string => number.slice('+86'.length)
const FULL_CALL = ['callin', 'callout', 'alerting', 'answer', 'disconnect']
/** Special information tone and the signature that tells the built-in announcements apart, Hz; speech follows. */
const TONES = { no_binding: [950, 1400, 1800, 500], no_permission: [950, 1400, 1800, 620] } as const
/** Their length: four of 0.33 s, at 8 kHz. */
const TONES_SAMPLES = 4 * 0.33 * 8000

const phones: Softphone[] = []
async function phone(options: SoftphoneOptions): Promise<Softphone> {
  const made = await createSoftphone(options)
  phones.push(made)
  return made
}
after(() => Promise.all(phones.map((made) => made.close())))

/** A caller behind the trunk: the phone says who it is, the platform believes the address. */
const caller = (lab: TrunkLab, options: Partial<SoftphoneOptions> = {}): Promise<Softphone> =>
  phone({ user: A, host: CALLER_HOST, registrar: lab.remote, ...options })

/** A callee behind the trunk that can be told what to do. */
const callee = (lab: TrunkLab, options: Partial<SoftphoneOptions> = {}): Promise<Softphone> =>
  phone({ user: B, host: CALLEE_HOST, port: lab.callee.port, ...options })

/** What the customer is told of the calls that `run` makes, which end before it resolves. */
async function told(lab: TrunkLab, calls: number, run: () => Promise<void>) {
  const { customer, platform } = lab
  const [events, fees] = [customer.events.length, customer.fees.length]
  await run()
  await customer.waitFor(
    (c) => c.events.slice(events).filter((e) => e.eventType === 'disconnect').length >= calls,
    'the disconnect event',
  )
  await platform.settle()
  assert.deepEqual(customer.faults, [])
  assert.equal(customer.fees.length - fees, calls, 'one CDR a call')
  return { events: customer.events.slice(events), fees: customer.fees.slice(fees) }
}

/** The codes of spec/codes.md section 1, in this order: stateCode, fwdUnaswRsn, ulFailReason, sipStatusCode. */
function assertCodes(
  { events, fees }: Awaited<ReturnType<typeof told>>,
  types: readonly string[],
  [releaseCode, q850, sipStatus]: readonly [number, number, number],
): void {
  assert.deepEqual(
    events.map((event) => event.eventType),
    types,
  )
  const [fee] = fees
  assert.deepEqual(
    [events.at(-1)?.statusInfo.stateCode, fee?.fwdUnaswRsn, fee?.ulFailReason, fee?.sipStatusCode],
    [releaseCode, q850, releaseCode, sipStatus],
  )
  assert.equal(fee?.sessionId, events[0]?.statusInfo.sessionId)
  if (types.includes('answer')) assert.ok(fee?.fwdAnswerTime)
  else assert.ok(!fee?.fwdAnswerTime && fee?.failTime)
}

/** Asserts the status the caller got and the cause of its Reason header; 0 = none. */
async function assertRefused(call: PhoneCall, status: number, cause: number): Promise<void> {
  const end = await call.ended()
  assert.equal(end.status, status)
  const given = /^Q\.850;cause=(\d+)/.exec(end.reasonHeader ?? '')?.[1]
  assert.equal(Number(given ?? 0), cause, `Reason: ${end.reasonHeader}`)
}

function assertHeard(call: PhoneCall, tone: keyof typeof TONES): void {
  const other = tone === 'no_binding' ? TONES.no_permission[3] : TONES.no_binding[3]
  const [silence = 1, ...loud] = toneAmplitudes(call.audio().subarray(0, TONES_SAMPLES), [
    other,
    ...TONES[tone],
  ])
  assert.ok(
    loud.every((amplitude) => amplitude > 0.01 && amplitude > 5 * silence),
    `${tone} is heard at ${loud.join(', ')}, the other announcement at ${silence}`,
  )
}

type Case = {
  readonly title: string
  readonly callee: ScenarioName
  readonly values?: Readonly<Record<string, string>>
  readonly rings: boolean
  /** stateCode = ulFailReason, fwdUnaswRsn, sipStatusCode. */
  readonly codes: readonly [number, number, number]
  /** Status and Q.850 cause towards the caller. */
  readonly answer: readonly [number, number]
}
const refuses = (status: number, reason: string, header = 'Server: carrier-b') => ({
  status: `${status}`,
  reason,
  header,
})
const CASES: readonly Case[] = [
  {
    title: 'a busy callee (486)',
    callee: 'uas-busy',
    rings: true,
    codes: [8102, 17, 486],
    answer: [486, 17],
  },
  {
    title: 'a callee busy at once (486)',
    callee: 'uas-refuses-at-once',
    values: refuses(486, 'Busy Here'),
    rings: false,
    codes: [8102, 17, 486],
    answer: [486, 17],
  },
  {
    title: 'a callee who declines (603)',
    callee: 'uas-reject',
    rings: true,
    codes: [7503, 21, 603],
    answer: [603, 21],
  },
  {
    title: 'a number that does not exist (404)',
    callee: 'uas-refuses-at-once',
    values: refuses(404, 'Not Found'),
    rings: false,
    codes: [8100, 1, 404],
    answer: [404, 1],
  },
  {
    title: 'an unreachable phone (480 before ringing)',
    callee: 'uas-refuses-at-once',
    rings: false,
    codes: [8103, 18, 480],
    answer: [480, 20],
  },
  {
    title: 'a phone that is off (480 with Q.850 cause 20)',
    callee: 'uas-refuses-at-once',
    values: refuses(480, 'Temporarily Unavailable', 'Reason: Q.850;cause=20;text="Subscriber absent"'),
    rings: false,
    codes: [8104, 20, 480],
    answer: [480, 20],
  },
  {
    title: 'a callee who does not answer until the carrier gives up (480 after ringing)',
    callee: 'uas-refuses',
    values: refuses(480, 'Temporarily Unavailable'),
    rings: true,
    codes: [8101, 19, 480],
    answer: [480, 19],
  },
  {
    title: 'a carrier without circuits (503)',
    callee: 'uas-refuses-at-once',
    values: refuses(503, 'Service Unavailable'),
    rings: false,
    codes: [8103, 41, 503],
    answer: [480, 20],
  },
]

for (const transport of ['udp', 'tcp'] as const) {
  describe(`a call that fails at the callee, over ${transport}`, { timeout: 60_000 }, () => {
    let lab: TrunkLab
    before(async () => {
      lab = await openTrunkLab({ x: [X], transport })
      await lab.bind({ callerNum: A, calleeNum: B, relationNum: X, userData: 'ride-4711' })
    })
    after(() => lab?.close())

    for (const { title, callee: scenario, values, rings, codes, answer } of transport === 'udp'
      ? CASES
      : CASES.slice(0, 1))
      test(title, async (t) => {
        if (requirePeer(t, 'sipp') === undefined) return
        const called = await startSipp({
          scenario,
          ...(values && { values }),
          local: lab.callee,
          transport,
          calls: 1,
        })
        try {
          const all = await told(lab, 1, async () => {
            const call = await (await caller(lab, { transport })).call(national(X))
            await assertRefused(call, ...answer)
          })
          assertCodes(
            all,
            rings ? ['callin', 'callout', 'alerting', 'disconnect'] : ['callin', 'callout', 'disconnect'],
            codes,
          )
          assert.equal(all.fees[0]?.direction, 1)
          assert.equal(all.fees[0]?.fwdAnswerTime, '')
          assert.equal(all.fees[0]?.userData, 'ride-4711')
          assert.equal((await called.finished).failed, 0)
        } finally {
          await called.stop()
        }
      })
  })
}

describe('a call that the caller gives up', { timeout: 60_000 }, () => {
  let lab: TrunkLab
  before(async () => {
    lab = await openTrunkLab({ x: [X], env: { MASKLINE_CONNECT_TIMEOUT_SEC: '2' } })
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
  })
  after(() => lab?.close())

  for (const { title, scenario, ringing, code } of [
    { title: 'before the callee rings is 7501', scenario: 'uas-silent', ringing: false, code: 7501 },
    { title: 'after the callee rang is 7502', scenario: 'uas-noanswer', ringing: true, code: 7502 },
  ] as const)
    test(title, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const called = await startSipp({ scenario, local: lab.callee, calls: 1 })
      try {
        const events = lab.customer.events.length
        const all = await told(lab, 1, async () => {
          const call = await (await caller(lab)).call(national(X))
          if (ringing) await call.ringing()
          const last = ringing ? 'alerting' : 'callout'
          await lab.customer.waitFor(
            (c) => c.events.slice(events).some((event) => event.eventType === last),
            `the ${last} event`,
          )
          call.cancel()
          await assertRefused(call, 487, 0)
        })
        const types = ['callin', 'callout', ...(ringing ? ['alerting'] : []), 'disconnect']
        assertCodes(all, types, [code, 16, 487])
        const { failed, errors } = await called.finished
        assert.equal(failed, 0, errors)
      } finally {
        await called.stop()
      }
    })

  for (const { title, scenario, rings } of [
    { title: 'a callee who never answers', scenario: 'uas-noanswer', rings: true },
    { title: 'a callee who never even rings', scenario: 'uas-silent', rings: false },
  ] as const)
    test(`[axb.call.noAnswer] [faq.64] ${title} is given up after the connection time-out (8035)`, async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const called = await startSipp({ scenario, local: lab.callee, calls: 1 })
      try {
        const all = await told(lab, 1, async () => {
          await assertRefused(await (await caller(lab)).call(national(X)), 480, 19)
        })
        const types = ['callin', 'callout', ...(rings ? ['alerting'] : []), 'disconnect']
        assertCodes(all, types, [8035, 102, 487])
        const { failed, errors } = await called.finished
        assert.equal(failed, 0, errors)
      } finally {
        await called.stop()
      }
    })
})

describe('a call that the platform refuses', { timeout: 60_000 }, () => {
  let lab: TrunkLab
  before(async () => {
    lab = await openTrunkLab({ x: [X, EMPTY_X, ONE_WAY_X], env: { MASKLINE_SIP_REGISTRAR: 'false' } })
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: ONE_WAY_X, callDirection: 1 })
  })
  after(() => lab?.close())

  type Refusal = {
    readonly title: string
    readonly from: string
    readonly to?: string
    readonly code: number
    readonly status: number
    readonly tone: keyof typeof TONES
    readonly direction?: number
  }
  const refusals: readonly Refusal[] = [
    { title: 'a stranger', from: STRANGER, code: 8014, status: 404, tone: 'no_binding' },
    { title: 'an anonymous caller', from: 'anonymous', code: 8014, status: 404, tone: 'no_binding' },
    {
      title: 'a caller to an X that nobody is bound on',
      from: A,
      to: EMPTY_X,
      code: 8014,
      status: 404,
      tone: 'no_permission',
    },
    {
      title: 'a direction that the binding does not allow',
      from: B,
      to: ONE_WAY_X,
      code: 8016,
      status: 403,
      tone: 'no_permission',
      direction: 0,
    },
    { title: 'a fixed line', from: FIXED, code: 8023, status: 403, tone: 'no_permission' },
  ]
  for (const { title, from, to = X, code, status, tone, direction = 2 } of refusals)
    test(`${title} hears why and gets ${status} (${code})`, async () => {
      const all = await told(lab, 1, async () => {
        const call = await (await caller(lab, { user: from })).call(national(to))
        await assertRefused(call, status, status === 404 ? 1 : 21)
        assertHeard(call, tone)
      })
      assertCodes(all, ['callin', 'disconnect'], [code, 0, status])
      const fee = all.fees[0]!
      assert.deepEqual([fee.direction, fee.bindNum, fee.calleeNum], [direction, to, to])
      assert.equal(fee.callerNum, from === 'anonymous' ? '' : from)
      assert.equal('fwdDstNum' in fee, false)
      for (const part of [fee, ...all.events.map((event) => event.statusInfo)])
        assert.equal('subscriptionId' in part, direction !== 2)
    })

  test('[axb.expiry.between] [faq.47] a binding that has expired no longer connects (8014)', async () => {
    const temporary = { callerNum: STRANGER, calleeNum: '+8613800000024', relationNum: X, duration: 1 }
    const subscriptionId = await lab.bind(temporary)
    await waitFor(
      async () =>
        (await lab.api('GET', `${AXB}?subscriptionId=${subscriptionId}`)).body.resultcode === '1012007',
      { what: 'the binding to expire' },
    )
    const all = await told(lab, 1, async () => {
      const call = await (await caller(lab, { user: STRANGER })).call(national(X))
      await assertRefused(call, 404, 1)
      assertHeard(call, 'no_binding')
    })
    assertCodes(all, ['callin', 'disconnect'], [8014, 0, 404])
  })

  test('an X that the platform does not know is 404, and nobody is told', async () => {
    const { pushes } = lab.customer
    const before = pushes.length
    for (const dialled of [STRANGE_X, 'alice', '+', '110'])
      await assertRefused(await (await caller(lab)).call(dialled), 404, 0)
    await lab.platform.settle()
    assert.equal(lab.platform.activeCalls, 0)
    assert.equal(pushes.length, before)
  })

  test('an address that no trunk allows gets 403, and nobody is told', async () => {
    const { pushes } = lab.customer
    const before = pushes.length
    await assertRefused(await (await caller(lab, { host: '127.0.0.4' })).call(national(X)), 403, 0)
    await lab.platform.settle()
    assert.equal(pushes.length, before)
  })
})

describe('a trunk that must prove who it is', { timeout: 60_000 }, () => {
  let lab: TrunkLab
  before(async () => {
    lab = await openTrunkLab({
      x: [X],
      trunk: { inboundUsername: A, inboundPassword: 'correct-horse' },
    })
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
  })
  after(() => lab?.close())

  for (const [title, password] of [
    ['without a password', undefined],
    ['with a wrong password', 'battery-staple'],
  ] as const)
    test(`is refused ${title}, and nobody is told`, async () => {
      const from = await caller(lab, password === undefined ? {} : { password })
      const end = await (await from.call(national(X))).ended()
      assert.ok(end.status === 401 || end.status === 407, `${end.status}`)
      await lab.platform.settle()
      assert.equal(lab.customer.pushes.length, 0)
    })

  test('is let in with the right one', async () => {
    const to = await callee(lab)
    const all = await told(lab, 1, async () => {
      const call = await (await caller(lab, { password: 'correct-horse' })).call(national(X))
      const incoming = await to.incoming()
      await incoming.answer()
      await call.answered()
      call.hangup()
      await incoming.ended()
    })
    assertCodes(all, FULL_CALL, [0, 0, 0])
  })
})

describe('numbers in every form that carriers send', { timeout: 60_000 }, () => {
  let lab: TrunkLab
  let to: Softphone
  before(async () => {
    lab = await openTrunkLab({ x: [X] })
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
    to = await callee(lab)
  })
  after(() => lab?.close())

  const assertTalks = async (
    from: Softphone,
    dialled: string,
    headers?: readonly string[],
  ): Promise<void> => {
    const all = await told(lab, 1, async () => {
      const call = await from.call(dialled, headers && { headers })
      const incoming = await to.incoming()
      assert.equal(incoming.whatDisplayShows.number, X)
      await incoming.answer()
      await call.answered()
      incoming.hangup()
      await call.ended()
    })
    assertCodes(all, FULL_CALL, [0, 0, 0])
    const fee = all.fees[0]!
    assert.deepEqual([fee.callerNum, fee.calleeNum, fee.fwdDisplayNum, fee.fwdDstNum], [A, X, X, B])
  }

  for (const dialled of [X, X.slice(1), `00${X.slice(1)}`, national(X), `0${national(X)}`])
    test(`[axb.call.dialled] X dialled as ${dialled} is reached`, async () =>
      assertTalks(await caller(lab), dialled))

  for (const user of [A.slice(1), `00${A.slice(1)}`, national(A), `0${national(A)}`])
    test(`a caller whose From says ${user} is known`, async () => assertTalks(await caller(lab, { user }), X))

  for (const identity of [
    `<sip:${A}@carrier.example;user=phone>`,
    `<sip:${national(A)}@carrier.example>`,
    `<tel:${A}>`,
  ])
    test(`P-Asserted-Identity ${identity} counts before From`, async () =>
      assertTalks(await caller(lab, { user: 'anonymous' }), X, ['P-Asserted-Identity', identity]))
})

describe('a call that is under way', { timeout: 60_000 }, () => {
  const VOICE = 1000
  let lab: TrunkLab
  before(async () => {
    lab = await openTrunkLab({ x: [X] })
  })
  after(() => lab?.close())
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((made) => made.close()))
    await lab.api('DELETE', `${AXB}?relationNum=%2B${X.slice(1)}`)
  })

  /** sipp sends back what it hears: B hears its own voice only if both directions of the call work. */
  const assertEcho = async (call: PhoneCall): Promise<void> => {
    call.forgetAudio()
    await call.hears(0.4)
    const [loud = 0, faint = 1] = call.heard([VOICE, 440])
    assert.ok(loud > 0.05 && loud > 10 * faint, `${VOICE} Hz is heard at ${loud}, 440 Hz at ${faint}`)
  }

  type Change = {
    readonly title: string
    /** What becomes of the binding during the call, and what the next call of A gets: status, cause, release code. */
    readonly change: (id: string) => Promise<void>
    readonly next: readonly [status: number, cause: number, code: number]
  }
  const changed = async (method: string, url: string, body?: Readonly<Record<string, unknown>>) =>
    assert.equal((await lab.api(method, url, body)).body.resultcode, '0')
  const changes: readonly Change[] = [
    {
      title: '[axb.call.unbind.running] [axb.call.unbind.next] when its binding is removed',
      change: (id) => changed('DELETE', `${AXB}?subscriptionId=${id}`),
      next: [404, 1, 8014],
    },
    {
      title: '[axb.expiry.calls] [faq.46] when its binding expires',
      change: async (id) => {
        await changed('PUT', AXB, { subscriptionId: id, duration: 1 })
        await waitFor(
          async () => (await lab.api('GET', `${AXB}?subscriptionId=${id}`)).body.resultcode === '1012007',
          { what: 'the binding to expire' },
        )
      },
      next: [404, 1, 8014],
    },
    {
      title: '[axb.call.modify.running] when its binding gets another callee and direction',
      change: (id) =>
        changed('PUT', AXB, { subscriptionId: id, calleeNum: '+8613800000024', callDirection: 2 }),
      next: [403, 21, 8016],
    },
  ]
  for (const { title, change, next } of changes)
    test(`${title} a call goes on as it began, and the next one is refused`, async () => {
      const subscriptionId = await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
      const to = await callee(lab, { toneHz: VOICE })
      const from = await caller(lab, { toneHz: 440 })
      const all = await told(lab, 1, async () => {
        const call = await from.call(national(X))
        const incoming = await to.incoming()
        await incoming.answer()
        await call.answered()
        await change(subscriptionId)
        call.forgetAudio()
        await call.hears(0.4)
        assert.ok((call.heard([VOICE])[0] ?? 0) > 0.05)
        call.hangup()
        await incoming.ended()
      })
      assertCodes(all, FULL_CALL, [0, 0, 0])
      assert.deepEqual([all.fees[0]?.subscriptionId, all.fees[0]?.fwdDstNum], [subscriptionId, B])
      const [status, cause, code] = next
      const refused = await told(lab, 1, async () =>
        assertRefused(await from.call(national(X)), status, cause),
      )
      assertCodes(refused, ['callin', 'disconnect'], [code, 0, status])
    })

  test('[habit.24] ends by order of a customer who is still handling its answer event', async () => {
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
    const to = await callee(lab)
    const from = await caller(lab)
    const handled = Promise.withResolvers<void>()
    lab.customer.misbehave({
      when: ({ body }) => body.includes('"eventType":"answer"'),
      until: handled.promise,
    })
    try {
      const all = await told(lab, 1, async () => {
        const call = await from.call(national(X))
        const incoming = await to.incoming()
        await incoming.answer()
        await call.answered()
        await lab.customer.waitFor((c) => c.events.at(-1)?.eventType === 'answer', 'the answer event')
        const sessionid = lab.customer.events.at(-1)!.statusInfo.sessionId
        await changed('POST', '/rest/httpsessions/callStop/v2.0', { sessionid, signal: 'call_stop' })
        await Promise.all([call.ended(), incoming.ended()])
        handled.resolve()
      })
      assertCodes(all, FULL_CALL, [8017, 0, 0])
    } finally {
      handled.resolve()
      lab.customer.behave()
    }
  })

  test('is held and taken back: the callee sees both, and hears the caller again', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
    const to = await callee(lab, { toneHz: VOICE })
    const all = await told(lab, 1, async () => {
      const talking = runSipp({
        scenario: 'uac-holds',
        local: { address: CALLER_HOST },
        remote: lab.remote,
        parties: [{ caller: A, dialled: X }],
        calls: 1,
        talkMs: 300,
        rtpEcho: true,
      })
      const incoming = await to.incoming()
      await incoming.answer()
      await incoming.hears(0.2)
      await waitFor(() => offers(to).length === 3, { what: 'the two re-INVITEs' })
      assert.deepEqual(offers(to), ['sendrecv', 'sendonly', 'sendrecv'])
      await assertEcho(incoming)
      incoming.hangup()
      const { failed, errors } = await talking
      assert.equal(failed, 0, errors)
    })
    assertCodes(all, FULL_CALL, [0, 0, 0])
    const traces = [A, national(A), CALLER_HOST].filter((trace) => to.received().includes(trace))
    assert.deepEqual(traces, [], 'the re-INVITEs tell nothing of the caller')
  })

  test('may begin without an offer: the callee makes it, ACK brings the answer', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    await lab.bind({ callerNum: A, calleeNum: B, relationNum: X })
    const to = await callee(lab, { toneHz: VOICE })
    const all = await told(lab, 1, async () => {
      const talking = runSipp({
        scenario: 'uac-no-offer',
        local: { address: CALLER_HOST },
        remote: lab.remote,
        parties: [{ caller: A, dialled: X }],
        calls: 1,
        rtpEcho: true,
      })
      const incoming = await to.incoming()
      await incoming.answer()
      await assertEcho(incoming)
      incoming.hangup()
      const { failed, errors } = await talking
      assert.equal(failed, 0, errors)
    })
    assertCodes(all, FULL_CALL, [0, 0, 0])
  })
})

/** Direction attributes of the SDP offers that a phone received, in order. */
function offers(phone: Softphone): string[] {
  const directions: string[] = []
  for (const message of phone
    .received()
    .toString('latin1')
    .split(/(?=INVITE sip:)/)) {
    if (!message.startsWith('INVITE sip:')) continue
    directions.push(/a=(sendrecv|sendonly|recvonly|inactive)/.exec(message)?.[1] ?? 'sendrecv')
  }
  return directions
}
