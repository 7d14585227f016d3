import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { eachEngine } from '../testkit/engines.ts'
import type { App } from '../tenants/app.ts'
import type { AxbBinding } from './binding.ts'
import type { AxbBindRequest, AxbService } from './axb-requests.ts'
import { createAxbService } from './axb-service.ts'
import { routeAxb } from './axb-route.ts'

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const C = '+8613800000023' as E164
const D = '+8613800000024' as E164
const X = '+8617000000001' as E164
const Y = '+8617000000002' as E164
const OTHERS_X = '+8617000000009' as E164
const START = Date.UTC(2026, 0, 24, 2, 30)

const app: App = {
  key: 'demoKey',
  secret: 's',
  tenantId: 't',
  spId: 'demo_sp',
  name: 'demo',
  mode: 'AXB',
  status: 'normal',
  accountStatus: 'active',
  recordingEnabled: false,
  smsEnabled: true,
  allowFixedLineCaller: false,
  lenientUserData: false,
  ipAllowlist: [],
  pushSignature: 'aksk',
  verifyPushCertificate: true,
}
const otherApp: App = { ...app, key: 'otherKey' }

const shenzhen = { areaCode: '0755', province: '广东省' }
const guangzhou = { areaCode: '020', province: '广东省' }
const beijing = { areaCode: '010', province: '北京市' }

const number = (x: E164, place = shenzhen, changes: Partial<XNumber> = {}): XNumber => ({
  number: x,
  appKey: app.key,
  ...place,
  status: 'normal',
  smsCapable: true,
  ...changes,
})

const request = (changes: Partial<AxbBindRequest> = {}): AxbBindRequest => ({
  callerNum: A,
  calleeNum: B,
  callDirection: 0,
  durationSec: 0,
  maxDurationMin: 0,
  recordFlag: false,
  privateSms: true,
  ...changes,
})

eachEngine(({ open }) => {
  let storage: Storage
  let axb: AxbService
  let now: number
  const clock: Clock = {
    now: () => now,
    setTimer: () => ({ cancel() {} }),
  }
  const areas = new Map<string, typeof shenzhen>([
    [A, shenzhen],
    [C, beijing],
  ])

  before(async () => {
    storage = await open({ clock })
    axb = createAxbService({
      store: storage.bindings,
      clock,
      maxPairsPerX: 3,
      areas: areasBy(
        (n) => areas.get(n),
        (code) => [shenzhen, guangzhou, beijing].find((place) => place.areaCode === code)?.province,
      ),
    })
    await storage.apps.saveApp(app)
    await storage.apps.saveApp(otherApp)
  })

  beforeEach(async () => {
    now = START
    for (const owner of [app, otherApp]) {
      for (const x of await storage.numbers.list(owner.key)) await storage.numbers.remove(x.number)
    }
    await storage.numbers.save([
      number(X),
      number(Y, guangzhou),
      number(OTHERS_X, shenzhen, { appKey: otherApp.key }),
    ])
  })

  after(() => storage.close())

  const bind = async (changes: Partial<AxbBindRequest> = {}, owner = app) => {
    const outcome = await axb.bind(owner, request(changes))
    return outcome.ok
      ? outcome.binding
      : assert.fail(`bind refused: ${outcome.code} ${outcome.parameter ?? ''}`)
  }
  const code = async (outcome: Promise<{ ok: true } | { ok: false; code: string; parameter?: string }>) => {
    const result = await outcome
    return result.ok ? '0' : result.code + (result.parameter ? ` ${result.parameter}` : '')
  }
  const bindCode = (changes: Partial<AxbBindRequest>) => code(axb.bind(app, request(changes)))

  test('bind on a named X gives the binding with everything that was asked for', async () => {
    const binding = await bind({
      relationNum: X,
      durationSec: 60,
      userData: 'order-1',
      preVoice: { callerHintTone: 'w' },
    })
    assert.match(binding.id, /^[0-9a-f-]{36}$/)
    assert.equal(binding.x, X)
    assert.equal(binding.expiresAt, START + 60_000)
    assert.equal(binding.changedAt, START)
    assert.equal(binding.userData, 'order-1')
    assert.deepEqual(await storage.bindings.findById(binding.id, now), JSON.parse(JSON.stringify(binding)))
  })

  test('(A,X,B) and (C,X,D) live together', async () => {
    await bind({ relationNum: X })
    assert.equal(await bindCode({ relationNum: X, callerNum: C, calleeNum: D }), '0')
  })

  test('(A,X,B) refuses (B,X,C), (A,X,C), (C,X,A), (C,X,B) and itself with 1012010', async () => {
    await bind({ relationNum: X })
    for (const [callerNum, calleeNum] of [
      [B, C],
      [A, C],
      [C, A],
      [C, B],
      [A, B],
      [B, A],
    ] as const) {
      assert.equal(await bindCode({ relationNum: X, callerNum, calleeNum }), '1012010')
    }
  })

  test('A reaches another B at the same time through another X', async () => {
    await bind({ relationNum: X })
    assert.equal(await bindCode({ relationNum: Y, calleeNum: C }), '0')
  })

  test('an X with its most pairs answers 1012009, or 1012008 when the platform was to choose', async () => {
    for (let n = 0; n < 3; n++) {
      const pair = { callerNum: `+861390000000${n}` as E164, calleeNum: `+861390000001${n}` as E164 }
      await bind({ relationNum: X, ...pair })
    }
    assert.equal(await bindCode({ relationNum: X }), '1012009')
    assert.equal(await bindCode({ areaCode: '0755' }), '1012008')
  })

  test('an X that is unknown or of another app answers 1012007', async () => {
    assert.equal(await bindCode({ relationNum: '+8617000000008' as E164 }), '1012007')
    assert.equal(await bindCode({ relationNum: OTHERS_X }), '1012007')
  })

  test('[num.effect.unbind] an X frozen for binding still takes an unbind', async () => {
    const { id } = await bind({ relationNum: X })
    await storage.numbers.save([number(X, shenzhen, { status: 'binding-frozen' })])
    assert.equal(await code(axb.unbind(app, { subscriptionId: id })), '0')
  })

  test('[num.effect.bind] an X that is frozen for binding, suspended or unusable answers 1012102 and is never chosen', async () => {
    for (const status of ['binding-frozen', 'suspended', 'unusable'] as const) {
      await storage.numbers.save([number(X, shenzhen, { status })])
      assert.equal(await bindCode({ relationNum: X }), '1012102')
      assert.equal(await bindCode({ areaCode: '0755' }), '1012008')
    }
  })

  test('A equal to B, or A or B equal to X, answers 1010002 with the parameter', async () => {
    assert.equal(await bindCode({ relationNum: X, calleeNum: A }), '1010002 calleeNum')
    assert.equal(await bindCode({ relationNum: X, callerNum: X }), '1010002 callerNum')
    assert.equal(await bindCode({ relationNum: X, calleeNum: X }), '1010002 calleeNum')
    assert.equal(await bindCode({ callerNum: X, areaCode: '0755' }), '1012008', 'nor is it chosen')
  })

  test('emergency, short, service and foreign numbers answer 1010002 with the parameter', async () => {
    for (const bad of [
      '+86110',
      '+86112',
      '+86911',
      '+86123456',
      '+864008001234',
      '+8695588',
      '+12025550123',
      '+85221234567',
    ]) {
      assert.equal(await bindCode({ relationNum: X, callerNum: bad as E164 }), '1010002 callerNum', bad)
      assert.equal(await bindCode({ relationNum: X, calleeNum: bad as E164 }), '1010002 calleeNum', bad)
    }
    assert.equal(
      await bindCode({ relationNum: X, calleeNum: '+8675528000001' as E164 }),
      '0',
      'a fixed line is fine',
    )
  })

  test('recordFlag without the recording switch of the app answers 1012012, on bind and modify', async () => {
    assert.equal(await bindCode({ relationNum: X, recordFlag: true }), '1012012')
    const recording = { ...app, recordingEnabled: true }
    assert.equal(await code(axb.bind(recording, request({ relationNum: X, recordFlag: true }))), '0')
    const { id } = await bind({ relationNum: Y })
    assert.equal(await code(axb.modify(app, { subscriptionId: id, recordFlag: true })), '1012012')
  })

  test('a named X wins over the area', async () => {
    assert.equal((await bind({ relationNum: X, areaCode: '020' })).x, X)
  })

  test('strict area: only that city, with or without the leading 0; lenient: its province, then any', async () => {
    assert.equal((await bind({ areaCode: '020' })).x, Y)
    assert.equal(await bindCode({ areaCode: '20', calleeNum: C }), '1012008', 'A is taken on Y')
    assert.equal((await bind({ areaCode: '755', calleeNum: C })).x, X)
    const beijingX = '+8617000000003' as E164
    await storage.numbers.save([number(beijingX, beijing)])
    assert.equal(
      (await bind({ areaCode: '020', areaMatchMode: '1' })).x,
      beijingX,
      'city and province are taken',
    )
    const pair = { callerNum: C, calleeNum: D }
    assert.equal((await bind({ areaCode: '020', areaMatchMode: '1', ...pair })).x, Y, 'the city comes first')
  })

  test('lenient area takes another city of the province before another province', async () => {
    const beijingX = '+8617000000003' as E164
    await storage.numbers.save([number(beijingX, beijing)])
    await bind({ relationNum: Y, callerNum: C, calleeNum: D })
    await bind({ relationNum: X })
    assert.equal(
      (await bind({ areaCode: '0755', areaMatchMode: '1' })).x,
      Y,
      'although the other one has no binding',
    )
  })

  test('neither X nor area: the area of A decides; unknown is 1012008 if strict, any if lenient', async () => {
    assert.equal((await bind()).x, X)
    assert.equal(await bindCode({ callerNum: C, calleeNum: D }), '1012008', 'no X in Beijing')
    assert.equal(await bindCode({ callerNum: D, calleeNum: C }), '1012008', 'area of D unknown')
    assert.equal(await bindCode({ callerNum: D, calleeNum: C, areaMatchMode: '1' }), '0')
  })

  test('the same bind by area again takes another X, and ends in 1012008', async () => {
    assert.equal((await bind({ areaMatchMode: '1' })).x, X)
    assert.equal((await bind({ areaMatchMode: '1' })).x, Y)
    assert.equal(await bindCode({ areaMatchMode: '1' }), '1012008')
  })

  test('[axb.choose.spread] binds by area spread over the X numbers with the fewest bindings', async () => {
    await storage.numbers.save([number(Y)])
    await bind({ relationNum: X })
    assert.equal((await bind({ callerNum: C, calleeNum: D, areaCode: '0755' })).x, Y)
  })

  test('[axb.choose.sms] an X that can carry SMS comes first in its city when SMS are asked for, and any other after it', async () => {
    await storage.numbers.save([number(X, shenzhen, { smsCapable: false }), number(Y, shenzhen)])
    const byArea = (n: number, changes: Partial<AxbBindRequest> = {}) =>
      bind({
        callerNum: `+86138000001${n}1` as E164,
        calleeNum: `+86138000001${n}2` as E164,
        areaCode: '0755',
        ...changes,
      })
    assert.equal((await byArea(1)).x, X, 'not when it is the default')
    assert.equal((await byArea(2)).x, Y)
    assert.equal((await byArea(3, { preferSms: true })).x, Y)
    assert.equal((await byArea(4, { preferSms: true })).x, Y)
    assert.equal((await byArea(4, { preferSms: true })).x, X, 'where those parties are not bound yet')
  })

  test('unbind by id removes that binding; again, of another app or unknown is 1012007', async () => {
    const { id } = await bind({ relationNum: X })
    assert.equal(await code(axb.unbind(otherApp, { subscriptionId: id })), '1012007')
    assert.equal(await code(axb.unbind(app, { subscriptionId: id })), '0')
    assert.equal(await code(axb.unbind(app, { subscriptionId: id })), '1012007')
    assert.equal(await bindCode({ relationNum: X }), '0', 'the parties are free at once')
  })

  test('unbind by X removes all its bindings; none is 1012007, not of this app 1012001', async () => {
    await bind({ relationNum: X })
    await bind({ relationNum: X, callerNum: C, calleeNum: D })
    assert.equal(await code(axb.unbind(app, { relationNum: X })), '0')
    assert.equal(await code(axb.unbind(app, { relationNum: X })), '1012007')
    assert.equal(await code(axb.unbind(app, { relationNum: OTHERS_X })), '1012001')
    assert.equal(await code(axb.unbind(app, { relationNum: '+8617000000008' as E164 })), '1012001')
  })

  test('unbind: the id wins over X, and one of them must be there', async () => {
    const { id } = await bind({ relationNum: X })
    const kept = await bind({ relationNum: X, callerNum: C, calleeNum: D })
    assert.equal(await code(axb.unbind(app, { subscriptionId: id, relationNum: X })), '0')
    assert.ok(await storage.bindings.findById(kept.id, now))
    assert.equal(await code(axb.unbind(app, {})), '1010002 subscriptionId')
  })

  const find = async (id: string, at = now) =>
    (await storage.bindings.findById(id, at)) as AxbBinding | undefined

  test('modify changes what is given, keeps the rest, and the id and X stay', async () => {
    const { id } = await bind({
      relationNum: X,
      userData: 'order-1',
      durationSec: 60,
      preVoice: { callerHintTone: 'w' },
    })
    now += 10_000
    const change = {
      callDirection: 1,
      calleeNum: C,
      userData: undefined,
      preVoice: { calleeHintTone: 'v' },
    } as const
    assert.equal(await code(axb.modify(app, { subscriptionId: id, ...change })), '0')
    const changed = (await find(id))!
    assert.deepEqual(
      [
        changed.x,
        changed.a,
        changed.b,
        changed.callDirection,
        changed.userData,
        changed.expiresAt,
        changed.changedAt,
      ],
      [X, A, C, 1, 'order-1', START + 60_000, now],
    )
    assert.deepEqual(changed.preVoice, { callerHintTone: 'w', calleeHintTone: 'v' })
  })

  test('[axb.modify.absent] two modifications at the same time both count', async () => {
    const { id } = await bind({ relationNum: X })
    const codes = await Promise.all([
      code(axb.modify(app, { subscriptionId: id, callDirection: 1 })),
      code(axb.modify(app, { subscriptionId: id, maxDurationMin: 9 })),
    ])
    assert.deepEqual(codes, ['0', '0'])
    const after = await find(id)
    assert.deepEqual([after?.callDirection, after?.maxDurationMin], [1, 9])
  })

  test('modify with duration counts from the change; 0 never expires', async () => {
    const { id } = await bind({ relationNum: X, durationSec: 60 })
    now += 50_000
    assert.equal(await code(axb.modify(app, { subscriptionId: id, durationSec: 60 })), '0')
    assert.equal((await find(id))?.expiresAt, START + 110_000)
    assert.equal(await code(axb.modify(app, { subscriptionId: id, durationSec: 0 })), '0')
    const lasting = await find(id, START * 2)
    assert.equal(lasting?.expiresAt, undefined)
    assert.equal(lasting?.durationSec, 0)
  })

  test('modify to a party of another binding on this X is 1012010; its own, even swapped, are no conflict', async () => {
    const { id } = await bind({ relationNum: X })
    await bind({ relationNum: X, callerNum: C, calleeNum: D })
    assert.equal(await code(axb.modify(app, { subscriptionId: id, calleeNum: C })), '1012010')
    assert.equal(await code(axb.modify(app, { subscriptionId: id, callerNum: D })), '1012010')
    assert.equal(await code(axb.modify(app, { subscriptionId: id, callerNum: A })), '0')
    assert.equal(await code(axb.modify(app, { subscriptionId: id, callerNum: B, calleeNum: A })), '0')
    assert.equal((await find(id))?.a, B)
  })

  test('modify obeys the rules of parties against what was there before', async () => {
    const { id } = await bind({ relationNum: X })
    assert.equal(await code(axb.modify(app, { subscriptionId: id, callerNum: B })), '1010002 calleeNum')
    assert.equal(await code(axb.modify(app, { subscriptionId: id, calleeNum: X })), '1010002 calleeNum')
  })

  test('modify: lastMinVoice needs a maxDuration, given now or before', async () => {
    const { id } = await bind({ relationNum: X })
    const voice = { subscriptionId: id, lastMinVoice: 'last.wav' }
    assert.equal(await code(axb.modify(app, voice)), '1010002 lastMinVoice')
    assert.equal(await code(axb.modify(app, { ...voice, maxDurationMin: 5 })), '0')
    assert.equal(await code(axb.modify(app, voice)), '0')
    assert.equal(await code(axb.modify(app, { subscriptionId: id, maxDurationMin: 0 })), '0')
    assert.equal(
      await code(axb.modify(app, { subscriptionId: id, callDirection: 1 })),
      '0',
      'an old prompt is no fault',
    )
  })

  test('modify of an unknown, expired or foreign binding is 1012007', async () => {
    const { id } = await bind({ relationNum: X, durationSec: 1 })
    assert.equal(await code(axb.modify(otherApp, { subscriptionId: id, callDirection: 1 })), '1012007')
    assert.equal(await code(axb.modify(app, { subscriptionId: 'none', callDirection: 1 })), '1012007')
    now += 1000
    assert.equal(await code(axb.modify(app, { subscriptionId: id, callDirection: 1 })), '1012007')
  })

  test('query by id gives exactly one, by X all in pages, by X and party that one whatever the page', async () => {
    const first = await bind({ relationNum: X })
    const second = await bind({ relationNum: X, callerNum: C, calleeNum: D })
    const ask = async (query: object) => {
      const outcome = await axb.query(app, { pageIndex: 1, pageSize: 1, ...query })
      return outcome.ok ? [outcome.total, ...outcome.bindings.map((b) => b.id)] : outcome.code
    }
    assert.deepEqual(await ask({ subscriptionId: second.id, relationNum: Y }), [1, second.id])
    assert.deepEqual(await ask({ relationNum: X }), [2, first.id])
    assert.deepEqual(await ask({ relationNum: X, pageIndex: 2 }), [2, second.id])
    assert.deepEqual(await ask({ relationNum: X, callerNum: C, pageIndex: 7 }), [1, second.id])
    assert.deepEqual(await ask({ relationNum: X, calleeNum: B }), [1, first.id])
    assert.deepEqual(await ask({ relationNum: X, callerNum: A, calleeNum: D }), '1012007')
    assert.deepEqual(await ask({ relationNum: Y }), '1012007')
    assert.deepEqual(await ask({ relationNum: OTHERS_X }), '1012001')
    assert.deepEqual(await ask({ subscriptionId: 'none' }), '1012007')
    assert.deepEqual(await ask({}), '1010002')
    assert.equal(
      await code(axb.query(otherApp, { subscriptionId: first.id, pageIndex: 1, pageSize: 1 })),
      '1012007',
    )
  })

  test('an expired binding is gone for query and unbind, and its parties, X and place are free at once', async () => {
    const { id } = await bind({ relationNum: X, durationSec: 5 })
    now += 5000
    assert.equal(await code(axb.query(app, { subscriptionId: id, pageIndex: 1, pageSize: 10 })), '1012007')
    assert.equal(await code(axb.query(app, { relationNum: X, pageIndex: 1, pageSize: 10 })), '1012007')
    assert.equal(await code(axb.unbind(app, { subscriptionId: id })), '1012007')
    assert.equal(await code(axb.unbind(app, { relationNum: X })), '1012007')
    assert.equal(await bindCode({ relationNum: X }), '0')
  })

  test('[axb.rule.atOnce] bind and unbind take effect at once for calls', async () => {
    const kind = async () => {
      const view = await storage.routes.lookup(X, A, now)
      const decision = routeAxb({ x: X, from: A, at: now }, view, app)
      return decision.kind === 'connect'
        ? decision.callee
        : decision.kind === 'refuse' && decision.releaseCode
    }
    assert.equal(await kind(), 8014)
    const { id } = await bind({ relationNum: X })
    assert.equal(await kind(), B)
    await axb.unbind(app, { subscriptionId: id })
    assert.equal(await kind(), 8014)
  })

  test('[axb.rule.race] thousands of binds by area at once on a small pool break no rule and leave no X unused', async () => {
    const xs = Array.from({ length: 8 }, (_, n) => `+861700000100${n}` as E164)
    await storage.numbers.save(xs.map((x) => number(x)))
    const service = createAxbService({
      store: storage.bindings,
      clock,
      maxPairsPerX: 40,
      areas: { home: () => shenzhen },
    })
    const party = (n: number) => `+86139${String(n).padStart(8, '0')}` as E164
    let seed = 7
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    const outcomes = await Promise.all(
      Array.from({ length: 2000 }, () => {
        const a = random(120)
        return service.bind(
          app,
          request({ callerNum: party(a), calleeNum: party((a + 1 + random(118)) % 120) }),
        )
      }),
    )
    const held = new Set<string>()
    const pairs = new Map<string, number>()
    for (const outcome of outcomes) {
      if (!outcome.ok) {
        assert.equal(outcome.code, '1012008')
        continue
      }
      const { x, a, b } = outcome.binding
      for (const key of [x + a, x + b]) {
        assert.ok(!held.has(key), 'a party is twice on one X')
        held.add(key)
      }
      pairs.set(x, (pairs.get(x) ?? 0) + 1)
    }
    assert.ok([...pairs.values()].every((count) => count <= 40))
    assert.equal(pairs.size, 9, 'eight and the X of Shenzhen')
  })
})
