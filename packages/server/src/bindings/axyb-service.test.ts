import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { newApp } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import { createAxybRouting } from './axyb-route.ts'
import { createAxybService } from './axyb-service.ts'
import { newPair, newRelation } from './axyb.ts'
import type { AxybBindRequest, AxybPairRequest, AxybService } from './axyb-requests.ts'
import type { AxybBinding, AxybPair } from './binding.ts'

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const C = '+8613800000023' as E164
const START = Date.UTC(2026, 0, 24, 2, 30)
const app = newApp({ key: 'demoKey', secret: 's', tenantId: 't', mode: 'AXYB' })

const shenzhen = { areaCode: '0755', province: 'Guangdong' }
const guangzhou = { areaCode: '020', province: 'Guangdong' }
const beijing = { areaCode: '010', province: 'Beijing' }
const virtual = (n: number) => `+8617000${String(n).padStart(6, '0')}` as E164
const party = (n: number) => `+86139${String(n).padStart(8, '0')}` as E164
const number = (n: number, place = shenzhen, changes: Partial<XNumber> = {}): XNumber => ({
  number: virtual(n),
  appKey: app.key,
  ...place,
  status: 'normal',
  smsCapable: true,
  ...changes,
})
eachEngine(({ open }) => {
  const stock = (count: number) =>
    storage.numbers.save(Array.from({ length: count }, (_, n) => number(n + 1)))

  let storage: Storage
  let axyb: AxybService
  let now: number
  const clock: Clock = { now: () => now, setTimer: () => ({ cancel() {} }) }

  before(async () => {
    storage = await open({ clock })
    axyb = createAxybService({
      store: storage.bindings,
      clock,
      areas: areasBy(
        () => shenzhen,
        (code) => [shenzhen, guangzhou, beijing].find((place) => place.areaCode === code)?.province,
      ),
    })
    await storage.apps.saveApp(app)
  })
  beforeEach(async () => {
    now = START
    for (const { number: old } of await storage.numbers.list(app.key)) await storage.numbers.remove(old)
  })
  after(() => storage.close())

  const request = (changes: Partial<AxybBindRequest> = {}): AxybBindRequest => ({
    origNum: A,
    callDirection: 0,
    durationSec: 0,
    ybDurationSec: 0,
    recordFlag: false,
    ...changes,
  })
  async function bind(changes: Partial<AxybBindRequest> = {}): Promise<AxybBinding> {
    const outcome = await axyb.bind(app, request(changes))
    return outcome.ok ? outcome.binding : assert.fail(outcome.code)
  }
  async function bindPair(relation: AxybBinding, changes: Partial<AxybPairRequest> = {}): Promise<AxybPair> {
    const outcome = await axyb.bindPair(app, { subscriptionId: relation.id, origNum: B, ...changes })
    return outcome.ok ? outcome.pair : assert.fail(outcome.code)
  }
  /** What a caller at a number gets now: whom he reaches and what that one sees, or the release code. */
  async function dial(from: E164, to: E164): Promise<readonly E164[] | number> {
    const view = await storage.routes.lookup(to, from, now)
    const decision = await createAxybRouting({ ...axyb, ...storage.routes }).route(
      { x: to, from, at: now },
      view,
      view.app!,
    )
    if (decision.kind === 'connect') return [decision.callee, decision.display]
    return decision.kind === 'refuse' ? decision.releaseCode : assert.fail(decision.kind)
  }
  const pairsOf = (relation: AxybBinding) => storage.bindings.listPairs(relation.id, now)

  test('[axyb.model.ways] B dials X and reaches A, who sees Y; A dials Y and reaches B, who sees X', async () => {
    await stock(2)
    const relation = await bind()
    const { y } = await bindPair(relation)
    assert.deepEqual(await dial(B, relation.x), [A, y])
    assert.deepEqual(await dial(A, y), [B, relation.x])
    assert.equal(await dial(A, relation.x), 8032)
    assert.equal(await dial(B, y), 8032)
    assert.equal(await dial(C, y), 8030)
  })

  test('[axyb.model.noBackWay] without a pair A reaches nobody', async () => {
    await stock(2)
    const relation = await bind()
    assert.equal(await dial(A, relation.x), 8032)
    assert.equal(await dial(A, virtual(2)), 8030)
  })

  test('[axyb.model.autoY] [axyb.call.autoStays] a stranger’s call makes a pair that stays, and A can call back', async () => {
    await stock(2)
    const relation = await bind({ userData: 'order', recordFlag: false, preVoiceX: 'x.wav' })
    const reached = await dial(C, relation.x)
    const [pair, ...more] = await pairsOf(relation)
    assert.deepEqual(reached, [A, pair!.y])
    assert.equal(more.length, 0)
    assert.deepEqual(
      [pair!.b, pair!.relationId, pair!.userData, pair!.preVoiceX],
      [C, relation.id, 'order', 'x.wav'],
    )
    assert.deepEqual(await dial(C, relation.x), reached)
    assert.deepEqual(await dial(A, pair!.y), [C, relation.x])
    assert.equal((await pairsOf(relation)).length, 1)
  })

  test('[axyb.life.auto] a pair made by a call lives as long as the A-X bind says, from the call on', async () => {
    await stock(2)
    const relation = await bind({ ybDurationSec: 60 })
    now += 30_000
    await dial(C, relation.x)
    const [pair] = await pairsOf(relation)
    assert.equal(pair!.expiresAt, START + 90_000)
    now = START + 89_999
    assert.deepEqual(await dial(A, pair!.y), [C, relation.x])
    now += 1
    assert.equal(await dial(A, pair!.y), 8030)
  })

  test('[axyb.life.earlier] a pair ends with its relation at the latest', async () => {
    await stock(3)
    const relation = await bind({ durationSec: 100 })
    now += 10_000
    assert.equal((await bindPair(relation, { ybDurationSec: 3600 })).expiresAt, START + 100_000)
    assert.equal((await bindPair(relation, { origNum: C })).expiresAt, START + 100_000)
    now = START + 100_000
    assert.equal(await dial(B, relation.x), 8030)
  })

  test('[axyb.call.unbindLater] [axyb.life.routing] an unbind counts for the next call, of the pair and of all', async () => {
    await stock(2)
    const relation = await bind()
    const { y } = await bindPair(relation)
    await axyb.unbind(app, { subscriptionId: relation.id, bNum: B })
    assert.equal(await dial(A, y), 8030)
    await dial(B, relation.x)
    await axyb.unbind(app, { subscriptionId: relation.id })
    assert.equal(await dial(A, y), 8030)
    assert.equal(await dial(B, relation.x), 8030)
  })

  test('[axyb.call.autoChoice] the Y of a stranger is of the city of X; else, if A-X was bound so, of its province, then any', async () => {
    await storage.numbers.save([number(1), number(2, guangzhou), number(3, beijing)])
    const strict = await bind()
    assert.equal(await dial(C, strict.x), 8031)
    await axyb.unbind(app, { subscriptionId: strict.id })
    const lenient = await bind({ areaMatchMode: '1' })
    assert.deepEqual(await dial(C, lenient.x), [A, virtual(2)])
    assert.deepEqual(await dial(B, lenient.x), [A, virtual(3)])
    assert.equal(await dial(party(1), lenient.x), 8031)
    await storage.numbers.save([number(4)])
    assert.deepEqual(await dial(party(1), lenient.x), [A, virtual(4)])
  })

  test('[axyb.call.autoBarred] an X that takes no binds, and a caller whom A could not call back, get no Y', async () => {
    await stock(2)
    const relation = await bind()
    for (const caller of ['+86110', '+8695588', '+12025550123'] as E164[])
      assert.equal(await dial(caller, relation.x), 8031)
    await storage.numbers.save([number(1, shenzhen, { status: 'binding-frozen' })])
    assert.equal(await dial(C, relation.x), 8031)
  })

  test('[axyb.limit.thousand] a Y serves 1000 relations, and no more', async () => {
    await stock(1002)
    const y = virtual(1002)
    const relations = await Promise.all(
      Array.from({ length: 1001 }, async (_, n) => {
        const relation = newRelation(app, request({ origNum: party(n) }), virtual(n + 1), `r${n}`, now)
        await storage.bindings.insert(relation, { capacity: 1 }, now)
        return relation
      }),
    )
    await Promise.all(
      relations.slice(0, 999).map((relation, n) => {
        const pair = newPair(relation, { b: B }, y, `p${n}`, now)
        return storage.bindings.insert(pair, { capacity: 1000 }, now)
      }),
    )
    assert.equal((await bindPair(relations[999]!)).y, y, 'there is one number left to be Y')
    const outcome = await axyb.bindPair(app, { subscriptionId: relations[1000]!.id, origNum: B })
    assert.deepEqual(outcome, { ok: false, code: '1012008' })
    await axyb.unbind(app, { subscriptionId: relations[7]!.id })
    assert.ok((await axyb.bindPair(app, { subscriptionId: relations[1000]!.id, origNum: B })).ok)
  })

  test('[axyb.error.1020182] an A that has bound as often as it may today is refused until tomorrow; pairs do not count', async () => {
    await stock(5)
    const limited = createAxybService({
      store: storage.bindings,
      clock,
      maxBindsPerDay: 2,
      areas: { home: () => shenzhen },
    })
    const code = async () => {
      const outcome = await limited.bind(app, request())
      return outcome.ok ? '0' : outcome.code
    }
    assert.deepEqual([await code(), await code(), await code()], ['0', '0', '1020182'])
    const [relation] = await storage.bindings.listByParty(app.key, 'AXYB', A, now)
    for (const b of [B, C])
      assert.ok((await limited.bindPair(app, { subscriptionId: relation!.id, origNum: b })).ok)
    now += 86_400_000
    assert.equal(await code(), '0')
  })

  test('[axyb.call.autoOnce] simultaneous first calls of one stranger make one pair, also on the last free Y', async () => {
    for (const free of [1, 5]) {
      await stock(1 + free)
      const relation = await bind()
      const reached = await Promise.all(Array.from({ length: 50 }, () => dial(C, relation.x)))
      const [pair, ...more] = await pairsOf(relation)
      assert.equal(more.length, 0)
      for (const one of reached) assert.deepEqual(one, [A, pair!.y])
      await axyb.unbind(app, { subscriptionId: relation.id })
    }
  })

  test('[axyb.race.bindY] simultaneous Y-B binds of one B: one gets a Y, the others 1012010', async () => {
    await stock(4)
    const relation = await bind()
    const codes = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const outcome = await axyb.bindPair(app, { subscriptionId: relation.id, origNum: B })
        return outcome.ok ? '0' : `${outcome.code} ${outcome.bound}`
      }),
    )
    assert.deepEqual([...new Set(codes)].toSorted(), ['0', `1012010 ${B}`])
    assert.equal(codes.filter((code) => code === '0').length, 1)
  })

  test('[axyb.race.xNeverY] a number that becomes an X while it is being chosen is not taken as Y', async () => {
    await stock(3)
    const relation = await bind()
    const taken: E164[] = []
    const late = createAxybService({
      store: {
        ...storage.bindings,
        async candidates(query) {
          const found = await storage.bindings.candidates(query)
          if (taken.length === 0) taken.push((await bind({ origNum: C })).x)
          return found
        },
      },
      clock,
      areas: { home: () => shenzhen },
    })
    const outcome = await late.bindPair(app, { subscriptionId: relation.id, origNum: B })
    assert.deepEqual([relation.x, ...taken], [virtual(1), virtual(2)])
    assert.equal(outcome.ok && outcome.pair.y, virtual(3))
  })

  test('[axyb.race.bindX] a crowd of A at once each get an X as long as there is one', async () => {
    await stock(60)
    const outcomes = await Promise.all(
      Array.from({ length: 80 }, (_, n) => axyb.bind(app, request({ origNum: party(n) }))),
    )
    assert.equal(outcomes.filter(({ ok }) => ok).length, 60)
    for (const outcome of outcomes) if (!outcome.ok) assert.equal(outcome.code, '1012008')
  })

  test('[axyb.race.rules] thousands of binds, calls and unbinds at once on a small stock break no rule', async () => {
    await stock(40)
    let seed = 11
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    const relations: AxybBinding[] = []
    const codes = new Set<string | number>()
    const act = async (): Promise<void> => {
      const kind = random(10)
      const relation = relations[random(Math.max(relations.length, 1))]
      if (kind < 3 || !relation) {
        const outcome = await axyb.bind(app, request({ origNum: party(random(12)) }))
        if (outcome.ok) relations.push(outcome.binding)
        else codes.add(`bind ${outcome.code}`)
      } else if (kind < 6) {
        const asked = { subscriptionId: relation.id, origNum: party(random(60)) }
        const outcome = await axyb.bindPair(app, asked)
        if (!outcome.ok) codes.add(`pair ${outcome.code}`)
      } else if (kind < 9) {
        const outcome = await axyb.allocateY(relation, party(100 + random(60)), now)
        if (!outcome.ok) codes.add(`call ${outcome.reason}`)
      } else if (random(4) === 0) {
        await axyb.unbind(app, { subscriptionId: relation.id })
      } else {
        await axyb.unbind(app, { subscriptionId: relation.id, bNum: party(random(160)) })
      }
    }
    const live = async () => {
      const all = await Promise.all(
        relations.map(async ({ id }) => {
          const binding = (await storage.bindings.findById(id, now)) as AxybBinding | undefined
          return binding && { binding, pairs: await storage.bindings.listPairs(id, now) }
        }),
      )
      return all.filter((found) => found !== undefined)
    }
    const check = (all: Awaited<ReturnType<typeof live>>) => {
      const xs = new Set<string>()
      const perA = new Map<string, number>()
      const ya = new Set<string>()
      const xb = new Set<string>()
      for (const { binding, pairs } of all) {
        assert.ok(!xs.has(binding.x), 'an X carries two A')
        xs.add(binding.x)
        perA.set(binding.a, (perA.get(binding.a) ?? 0) + 1)
        for (const { y, a, b, x } of pairs) {
          assert.ok(!ya.has(y + a), 'a Y serves one A twice')
          ya.add(y + a)
          assert.ok(!xb.has(x + b), 'a B is paired twice')
          xb.add(x + b)
        }
      }
      assert.ok([...perA.values()].every((count) => count <= 5))
      for (const { pairs } of all) for (const { y } of pairs) assert.ok(!xs.has(y), 'an X is a Y')
    }
    for (let round = 0; round < 12; round++) {
      await Promise.all(Array.from({ length: 200 }, act))
      check(await live())
    }
    for (const code of codes) {
      assert.ok(
        [
          'bind 1012008',
          'pair 1010002',
          'pair 1012001',
          'pair 1012008',
          'pair 1012010',
          'call none-free',
          'call gone',
        ].includes(String(code)),
        String(code),
      )
    }
    for (const { binding } of await live()) await axyb.unbind(app, { subscriptionId: binding.id })
    const rest = await Promise.all(
      Array.from({ length: 40 }, (_, n) => axyb.bind(app, request({ origNum: party(n) }))),
    )
    assert.ok(
      rest.every(({ ok }) => ok),
      'no number has lost a place',
    )
  })
})
