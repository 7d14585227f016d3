import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import {
  createCustomerServer,
  createSoftphone,
  type CustomerServer,
  type SoftphoneOptions,
} from '@maskline/lab'
import { generateTone, writeWav } from '@maskline/media'
import { requirePeer } from './peers.ts'
import { startPeer } from './support/peer-process.ts'
import {
  axbApp,
  callApi,
  MAIN,
  pickPorts,
  type PlatformProcess,
  seed,
  serveEnv,
  startServe,
} from './support/platform-process.ts'
import { freePorts } from './support/ports.ts'
import { startSipp } from './support/sipp.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { AXB, CALLEE_HOST, CALLER_HOST } from './support/trunk-lab.ts'

const X = '+8617000000001'
const a = (n: number): string => `+861380000002${n}`
const b = (n: number): string => `+861390000002${n}`
const STRANGER = '+8613700000021'

/** A platform in its own process with a carrier and a customer; ends with the test. */
async function openSite(t: TestContext) {
  const dir = makeTempDir('kill9')
  const closing: (() => unknown)[] = [() => dir.remove()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  // Long enough to be killed in the middle of it.
  mkdirSync(join(dir.path, 'announcements'))
  writeFileSync(
    join(dir.path, 'announcements', 'no_binding.wav'),
    writeWav({ encoding: 'pcm16', samples: generateTone(500, 30) }),
  )

  const secret = randomBytes(12).toString('hex')
  const customer = await createCustomerServer({ apps: { 'axb-app': secret } })
  closing.push(() => customer.close())
  const app = axbApp(secret, customer.url)
  await seed(dir.path, app, [X])
  const ports = await pickPorts()
  const carrier = { address: CALLEE_HOST, port: await freePorts(CALLEE_HOST) }
  const site = {
    dataDir: dir.path,
    customer,
    ports,
    carrier,
    async start(): Promise<PlatformProcess> {
      const platform = await startServe(dir.path, ports, {
        env: { MASKLINE_APP_RATE: '0' },
        trunks: [
          {
            name: 'carrier',
            peer: { ...carrier, transport: 'udp' },
            allowFrom: [CALLER_HOST, CALLEE_HOST],
            numberFormat: 'e164',
          },
        ],
      })
      closing.push(() => platform.kill())
      return platform
    },
    async bind(callerNum: string, calleeNum: string): Promise<void> {
      const answer = await callApi(ports.http, app, 'POST', AXB, { callerNum, calleeNum, relationNum: X })
      assert.equal(answer.resultcode, '0')
    },
    async phone(options: SoftphoneOptions) {
      const made = await createSoftphone(options)
      closing.push(() => made.close())
      return made
    },
    /** A phone behind the carrier. */
    caller: (user: string) =>
      site.phone({ user, host: CALLER_HOST, registrar: { address: '127.0.0.1', port: ports.sip } }),
  }
  return site
}

/** What the customer was told of the calls of one caller, in the order of arrival. */
function toldOf(customer: CustomerServer, caller: string) {
  const sessions = new Set(
    customer.events
      .filter(({ statusInfo }) => statusInfo.caller === caller)
      .map((e) => e.statusInfo.sessionId),
  )
  return {
    sessions: [...sessions],
    events: customer.events.filter((event) => sessions.has(event.statusInfo.sessionId)),
    fees: customer.fees.filter((fee) => sessions.has(fee.sessionId)),
  }
}

describe('a platform that is killed', () => {
  test(
    'closes every call it had open at the next start, bills each once, and repeats nothing that was acknowledged',
    { timeout: 60_000 },
    async (t) => {
      const site = await openSite(t)
      const { customer } = site
      let release = (): void => undefined
      const held = new Promise<void>((resolve) => (release = resolve))
      t.after(() => release())
      let platform = await site.start()
      for (let n = 1; n <= 6; n++) await site.bind(a(n), b(n))
      const callee = await site.phone({ user: b(1), host: CALLEE_HOST, port: site.carrier.port })
      const talk = async (n: number) => {
        const call = await (await site.caller(a(n))).call(X)
        const incoming = await callee.incoming()
        await incoming.answer()
        await call.answered()
        return { call, incoming }
      }
      const finish = async (n: number): Promise<void> => {
        const { call, incoming } = await talk(n)
        call.hangup()
        await incoming.ended()
        await customer.waitFor(() => toldOf(customer, a(n)).fees.length === 1, `the CDR of call ${n}`)
      }

      await finish(1)
      // The CDR of call 2 arrives (a second after that of call 1), but its acknowledgement never leaves.
      customer.misbehave({ when: (push) => push.path === '/fee', until: held })
      await finish(2)
      for (const n of [3, 4]) await talk(n)
      for (const n of [5, 6]) {
        const call = await (await site.caller(a(n))).call(X)
        await callee.incoming()
        await call.ringing()
      }
      await (await site.caller(STRANGER)).call(X)
      await customer.waitFor(
        () =>
          [3, 4].every((n) => toldOf(customer, a(n)).events.at(-1)?.eventType === 'answer') &&
          [5, 6].every((n) => toldOf(customer, a(n)).events.at(-1)?.eventType === 'alerting') &&
          toldOf(customer, STRANGER).events.at(-1)?.eventType === 'callin',
        'the events of the calls in all phases',
      )

      await platform.kill()
      customer.behave()
      release()
      const repeatedFrom = { events: customer.events.length, fees: customer.fees.length }
      platform = await site.start()
      assert.match(platform.peer.output(), /\n {2}5 calls that a crash had left open were closed\n/)
      const open = [a(3), a(4), a(5), a(6), STRANGER]
      await customer.waitFor(
        () =>
          open.every((caller) => toldOf(customer, caller).fees.length >= 1) &&
          toldOf(customer, a(2)).fees.length >= 2,
        'the CDRs of the calls that the crash cut',
      )

      // A second restart owes nobody anything: the next to be told is the next call.
      assert.equal(await platform.stop(), 0)
      platform = await site.start()
      assert.doesNotMatch(platform.peer.output(), /that a crash/)
      const newFrom = customer.pushes.length
      const { call, incoming } = await talk(1)
      call.hangup()
      await incoming.ended()
      await customer.waitFor(() => toldOf(customer, a(1)).fees.length === 2, 'the CDR of the call after all')
      const [, lastSession = ''] = toldOf(customer, a(1)).sessions
      for (const push of customer.pushes.slice(newFrom)) assert.ok(push.body.includes(lastSession), push.body)
      assert.equal(await platform.stop(), 0)

      for (const caller of open) {
        const { sessions, events, fees } = toldOf(customer, caller)
        assert.equal(sessions.length, 1)
        assert.equal(fees.length, 1, `one CDR for the call of ${caller}`)
        const [fee] = fees
        assert.equal(fee?.ulFailReason, 8020)
        const last = events.at(-1)
        assert.deepEqual([last?.eventType, last?.statusInfo.stateCode], ['disconnect', 8020])
        assert.equal(events.filter((event) => event.eventType === 'disconnect').length, 1)
        if (caller === a(3) || caller === a(4)) {
          assert.ok(fee?.fwdAnswerTime && fee.fwdAnswerTime <= fee.callEndTime)
          assert.deepEqual([fee.fwdUnaswRsn, fee.sipStatusCode], [0, 0])
        } else if (caller === STRANGER) {
          assert.equal(fee?.direction, 2)
        } else {
          assert.equal(fee?.fwdAnswerTime, '')
          assert.ok(fee.fwdAlertingTime && fee.fwdUnaswRsn === 41)
        }
      }
      const repeated = [
        ...customer.events.slice(repeatedFrom.events).map((event) => event.statusInfo.sessionId),
        ...customer.fees.slice(repeatedFrom.fees).map((fee) => fee.sessionId),
      ]
      const [firstSession = ''] = toldOf(customer, a(1)).sessions
      assert.ok(
        !repeated.includes(firstSession),
        'the acknowledged CDR and events of call 1 are not repeated',
      )
      // Not acknowledged: told again, and it is the same record.
      const [once, again, ...more] = toldOf(customer, a(2)).fees
      assert.deepEqual(again, once)
      assert.equal(more.length, 0)
      assert.deepEqual(customer.faults, [])
    },
  )

  test(
    'in the middle of many calls owes a CDR for each call it told of, and pays once',
    { timeout: 60_000 },
    async (t) => {
      if (requirePeer(t, 'sipp') === undefined) return
      const site = await openSite(t)
      const { customer } = site
      let platform = await site.start()
      for (let n = 1; n <= 9; n++) await site.bind(a(n), b(n))
      const callee = await startSipp({ scenario: 'uas', local: site.carrier })
      t.after(() => callee.stop(0))
      const caller = await startSipp({
        scenario: 'uac',
        local: { address: CALLER_HOST },
        remote: { address: '127.0.0.1', port: site.ports.sip },
        parties: Array.from({ length: 9 }, (_, i) => ({ caller: a(i + 1), dialled: X })),
        calls: 1_000,
        rate: 60,
        talkMs: 200,
      })
      t.after(() => caller.stop(0))
      await customer.waitFor((c) => c.events.length >= 200, 'calls under way', 20_000)
      await platform.kill()
      await caller.stop(0)
      const sessions = new Set(customer.events.map((event) => event.statusInfo.sessionId))
      platform = await site.start()
      const billed = () => new Set(customer.fees.map((fee) => fee.sessionId))
      await customer.waitFor(() => [...sessions].every((id) => billed().has(id)), 'a CDR for each call')
      assert.equal(await platform.stop(), 0)

      const callins = new Set(
        customer.events.filter((e) => e.eventType === 'callin').map((e) => e.statusInfo.sessionId),
      )
      for (const { sessionId } of customer.fees)
        assert.ok(callins.has(sessionId), 'no CDR without its callin')
      const order = ['callin', 'callout', 'alerting', 'answer', 'disconnect']
      for (const id of callins) {
        const types = customer.events.filter((e) => e.statusInfo.sessionId === id).map((e) => e.eventType)
        const first = [...new Set(types)]
        assert.deepEqual(
          first,
          order.filter((type) => types.includes(type as (typeof types)[number])),
          'the crash turns no order round',
        )
      }
      // What arrived in the last moment may come twice, as its acknowledgement was lost; it is then the same record.
      const records = new Map<string, string>()
      for (const fee of customer.fees) {
        const text = JSON.stringify(fee)
        assert.equal(records.get(fee.sessionId) ?? text, text)
        records.set(fee.sessionId, text)
      }
      const cut = [...records.values()].filter((text) => text.includes('"ulFailReason":8020'))
      assert.ok(
        cut.length > 0 && cut.length < records.size,
        `${cut.length} of ${records.size} calls were cut`,
      )
      assert.deepEqual(customer.faults, [])
    },
  )
})

describe('a platform that is stopped', () => {
  test('ends the calls it has, loses none of their CDRs and exits with 0', { timeout: 60_000 }, async (t) => {
    const site = await openSite(t)
    const { customer } = site
    let platform = await site.start()
    for (const n of [1, 2]) await site.bind(a(n), b(n))
    const callee = await site.phone({ user: b(1), host: CALLEE_HOST, port: site.carrier.port })
    const talking = await (await site.caller(a(1))).call(X)
    const talkingCallee = await callee.incoming()
    await talkingCallee.answer()
    await talking.answered()
    const ringing = await (await site.caller(a(2))).call(X)
    const ringingCallee = await callee.incoming()
    await ringing.ringing()

    assert.equal(await platform.stop(), 0)
    for (const call of [talking, talkingCallee]) {
      const { by, status, reason } = await call.ended()
      assert.deepEqual([by, status, reason], ['peer', 200, 'BYE'])
    }
    assert.equal((await ringing.ended()).status, 480)
    assert.equal((await ringingCallee.ended()).status, 487)

    platform = await site.start()
    assert.doesNotMatch(platform.peer.output(), /that a crash/)
    await customer.waitFor((c) => new Set(c.fees.map((fee) => fee.sessionId)).size === 2, 'the CDRs')
    assert.equal(await platform.stop(), 0)
    for (const caller of [a(1), a(2)]) {
      const { events, fees } = toldOf(customer, caller)
      // A push that was on its way at the stop is sent again: the same once more, nothing else.
      const ends = new Set(
        events.filter((event) => event.eventType === 'disconnect').map((event) => JSON.stringify(event)),
      )
      assert.equal(ends.size, 1)
      assert.match([...ends][0] ?? '', /"stateCode":8020/)
      assert.deepEqual([fees.length, fees[0]?.ulFailReason], [1, 8020])
      assert.equal(fees[0]?.fwdAnswerTime !== '', caller === a(1))
    }
    assert.deepEqual(customer.faults, [])
  })
})

describe('a second platform on the same data folder', () => {
  test('is refused in one sentence and harms nothing', { timeout: 60_000 }, async (t) => {
    const site = await openSite(t)
    const first = await site.start()
    await site.bind(a(1), b(1))
    const second = await startPeer({
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', MAIN, 'serve'],
      env: serveEnv(site.dataDir, await pickPorts()),
    })
    t.after(() => second.stop('SIGKILL'))
    assert.deepEqual(await second.exited, { code: 1, signal: null })
    assert.equal(
      second.output(),
      `maskline: another maskline runs on the data folder ${site.dataDir}; stop it, or choose another folder with --data DIR\n`,
    )
    await site.bind(a(2), b(2))
    assert.equal(await first.stop(), 0)
  })
})
