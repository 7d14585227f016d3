import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { newApp } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import type { AxBindRequest, AxService } from './ax-requests.ts'
import { createAxService } from './ax-service.ts'
import type { AxBinding } from './binding.ts'

const START = Date.UTC(2026, 0, 24, 2, 30)
const DAY_MS = 86_400_000
const shenzhen = { areaCode: '0755', province: '广东省' }
const aNumber = (n: number) => `+8613800000${String(n).padStart(3, '0')}` as E164
const xNumber = (n: number) => `+8617000000${String(n).padStart(3, '0')}` as E164
const A = aNumber(21)
const B = aNumber(22)

const app = newApp({ key: 'demoKey', secret: 's', tenantId: 't', mode: 'AX' })

const request = (changes: Partial<AxBindRequest> = {}): AxBindRequest => ({
  origNum: A,
  recordFlag: false,
  privateSms: true,
  maxDurationMin: 0,
  turnFlag: 'on',
  callDirection: 0,
  ...changes,
})

/** Of the engine that is tested. */
let storage: Storage
let ax: AxService
let now: number
const clock: Clock = { now: () => now, setTimer: () => ({ cancel() {} }) }
const serviceWith = (options: { maxBindsPerDay?: number } = {}) =>
  createAxService({
    store: storage.bindings,
    memory: storage.memory,
    clock,
    areas: { home: () => shenzhen },
    ...options,
  })

/** The app's X numbers from now on: so many, none of them bound. */
async function withX(count: number): Promise<readonly E164[]> {
  for (const { number } of await storage.numbers.list(app.key)) await storage.numbers.remove(number)
  const numbers = Array.from({ length: count }, (_, n) => xNumber(n))
  await storage.numbers.save(
    numbers.map((number) => ({
      number,
      appKey: app.key,
      ...shenzhen,
      status: 'normal' as const,
      smsCapable: true,
    })),
  )
  return numbers
}

const codeOf = async (outcome: Promise<{ ok: true } | { ok: false; code: string }>): Promise<string> => {
  const result = await outcome
  return result.ok ? '0' : result.code
}
const bind = (changes: Partial<AxBindRequest>, service = ax) => codeOf(service.bind(app, request(changes)))
const bound = async (changes: Partial<AxBindRequest>): Promise<AxBinding> => {
  const outcome = await ax.bind(app, request(changes))
  return outcome.ok ? outcome.binding : assert.fail(outcome.code)
}

/** Numbers that look random and are the same in every run. */
function dice(seed: number) {
  return (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
}

/** What the database holds now, and whether that keeps the rules. */
async function census(numbers: readonly E164[], parties: readonly E164[]) {
  const held = new Map<E164, readonly E164[]>()
  for (const a of parties) {
    const bindings = await storage.bindings.listByParty(app.key, 'AX', a, now)
    held.set(
      a,
      bindings.map(({ x }) => x),
    )
  }
  const all = [...held.values()].flat()
  assert.equal(new Set(all).size, all.length, 'an X has two A')
  for (const xs of held.values()) assert.ok(xs.length <= 5, 'an A has more than five X')
  for (const x of numbers) {
    const here = await storage.bindings.findByClaim(x, { kind: 'any' }, now)
    const holder = here && held.get(here.a)?.includes(x)
    assert.equal(here === undefined, !all.includes(x), 'claim and binding differ')
    assert.notEqual(holder, false)
  }
  return held
}

eachEngine(({ open }) => {
  before(async () => {
    storage = await open({ clock })
    await storage.apps.saveApp(app)
    ax = serviceWith()
  })
  beforeEach(() => (now = START))
  after(() => storage.close())

  test('[ax.race.one-pair] of a hundred binds of one pair at once one succeeds, the others are 1016002', async () => {
    const [x] = await withX(1)
    const codes = await Promise.all(Array.from({ length: 100 }, () => bind({ privateNum: x! })))
    assert.deepEqual(codes.toSorted(), ['0', ...Array.from({ length: 99 }, () => '1016002')])
  })

  test('[ax.race.one-x] of a hundred A that want one X at once one gets it, the others are 1011005', async () => {
    const [x] = await withX(1)
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, n) => bind({ origNum: aNumber(n), privateNum: x! })),
    )
    assert.deepEqual(codes.toSorted(), ['0', ...Array.from({ length: 99 }, () => '1011005')])
  })

  test('[ax.race.one-a] of a hundred binds of one A at once five succeed, the others are 1011003, by X and by area', async () => {
    const numbers = await withX(100)
    const named = await Promise.all(numbers.map((privateNum) => bind({ privateNum })))
    assert.deepEqual(named.toSorted(), [
      ...Array.from({ length: 5 }, () => '0'),
      ...Array.from({ length: 95 }, () => '1011003'),
    ])
    const chosen = await Promise.all(
      Array.from({ length: 100 }, () => bind({ origNum: B, areaCode: '0755' })),
    )
    assert.deepEqual(chosen.toSorted(), [
      ...Array.from({ length: 5 }, () => '0'),
      ...Array.from({ length: 95 }, () => '1011003'),
    ])
  })

  test('[ax.race.area] more binds by area than X: every X is used, once, and the rest is 1011002', async () => {
    const numbers = await withX(40)
    const parties = Array.from({ length: 60 }, (_, n) => aNumber(n))
    const codes = await Promise.all(parties.map((origNum) => bind({ origNum })))
    assert.equal(codes.filter((code) => code === '0').length, 40)
    assert.equal(codes.filter((code) => code === '1011002').length, 20)
    const held = await census(numbers, parties)
    assert.equal([...held.values()].flat().length, 40)
  })

  test('[ax.race.new-a] of many X that get one A by modify at once five do, the others are 1011003', async () => {
    const numbers = await withX(20)
    const bindings = await Promise.all(
      numbers.map((privateNum, n) => bound({ origNum: aNumber(n), privateNum })),
    )
    const newA = aNumber(500)
    const codes = await Promise.all(
      bindings.map(({ id }) => codeOf(ax.modify(app, { by: 'id', subscriptionId: id }, { origNum: newA }))),
    )
    assert.equal(codes.filter((code) => code === '0').length, 5)
    assert.equal(codes.filter((code) => code === '1011003').length, 15)
    await census(numbers, [newA, ...bindings.map(({ a }) => a)])
  })

  test('[ax.race.storm] thousands of binds, unbinds and modifies at once of few A and few X break no rule', async () => {
    const numbers = await withX(16)
    const parties = Array.from({ length: 3 }, (_, n) => aNumber(n))
    const random = dice(11)
    const ids = new Set<string>()
    const allowed = {
      named: ['0', '1016002', '1011005', '1011003'],
      chosen: ['0', '1011002', '1011003'],
      unbound: ['0', '1016001'],
      modified: ['0', '1016001', '1011003'],
    }
    const seen = { named: new Set(), chosen: new Set(), unbound: new Set(), modified: new Set() }
    const note = (what: keyof typeof seen, code: string) => {
      assert.ok(allowed[what].includes(code), `${what}: ${code}`)
      seen[what].add(code)
    }
    const act = async (): Promise<void> => {
      const origNum = parties[random(parties.length)]!
      const privateNum = numbers[random(numbers.length)]!
      switch (random(5)) {
        case 0:
        case 1: {
          const outcome = await ax.bind(app, request({ origNum, privateNum }))
          note('named', outcome.ok ? '0' : outcome.code)
          if (outcome.ok) ids.add(outcome.binding.id)
          return
        }
        case 2:
          return note('chosen', await bind({ origNum, areaCode: '0755' }))
        case 3: {
          const [subscriptionId] = ids
          if (random(2) === 0 && subscriptionId !== undefined) {
            ids.delete(subscriptionId)
            return note('unbound', await codeOf(ax.unbind(app, { by: 'id', subscriptionId })))
          }
          return note('unbound', await codeOf(ax.unbind(app, { by: 'x', privateNum })))
        }
        default:
          return note('modified', await codeOf(ax.modify(app, { by: 'x', privateNum }, { origNum })))
      }
    }
    for (let wave = 0; wave < 12; wave++) {
      await Promise.all(Array.from({ length: 250 }, act))
      await census(numbers, parties)
    }
    for (const what of ['named', 'unbound', 'modified'] as const)
      assert.deepEqual([...seen[what]].toSorted(), allowed[what].toSorted(), what)
    assert.ok(seen.chosen.has('0') && seen.chosen.has('1011003'))
  })

  test('an X is free for another A the moment its unbind is done', async () => {
    const [x] = await withX(1)
    for (let n = 0; n < 50; n++) {
      const { id } = await bound({ origNum: aNumber(n), privateNum: x! })
      assert.equal(await codeOf(ax.unbind(app, { by: 'id', subscriptionId: id })), '0')
    }
  })

  test('two changes of one binding at the same time both count', async () => {
    const [x] = await withX(1)
    const { id } = await bound({ privateNum: x! })
    const target = { by: 'id', subscriptionId: id } as const
    const codes = await Promise.all([
      codeOf(ax.modify(app, target, { callDirection: 1 })),
      codeOf(ax.modify(app, target, { maxDurationMin: 9 })),
      codeOf(ax.modify(app, target, { origNum: B })),
    ])
    assert.deepEqual(codes, ['0', '0', '0'])
    const changed = (await storage.bindings.findById(id, now)) as AxBinding
    assert.deepEqual([changed.callDirection, changed.maxDurationMin, changed.a], [1, 9, B])
  })

  test('[ax.race.callee] of temporary callees set at once one is kept, whole', async () => {
    const [x] = await withX(1)
    const { id } = await bound({ privateNum: x! })
    const set = (n: number) =>
      ax.setTemporaryCallee(
        app,
        { by: 'x', privateNum: x! },
        { calleeNum: aNumber(100 + n), durationSec: 60, userData: String(n) },
      )
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => set(n)))
    assert.ok(outcomes.every(({ ok }) => ok))
    const kept = await storage.memory.recall(id, 'temporary-callee', now)
    assert.equal(kept?.callee, aNumber(100 + Number(kept?.userData)))
  })

  test('a call that was answered does not use up the callee that was set meanwhile', async () => {
    const [x] = await withX(1)
    const { id } = await bound({ privateNum: x! })
    const target = { by: 'id', subscriptionId: id } as const
    await ax.setTemporaryCallee(app, target, { calleeNum: B, durationSec: 60 })
    const first = await storage.memory.recall(id, 'temporary-callee', now)
    await ax.setTemporaryCallee(app, target, { calleeNum: B, durationSec: 60 })
    await storage.memory.forget(id, 'temporary-callee', first?.token)
    assert.equal((await storage.memory.recall(id, 'temporary-callee', now))?.callee, B)
  })

  test('[ax.code.1020182] A is bound so often a day, by X and by area; the next day begins anew', async () => {
    const numbers = await withX(3)
    const a = aNumber(700)
    const strict = serviceWith({ maxBindsPerDay: 2 })
    const bindAgain = async (changes: Partial<AxBindRequest>) => {
      const outcome = await strict.bind(app, request({ origNum: a, ...changes }))
      if (outcome.ok) await ax.unbind(app, { by: 'id', subscriptionId: outcome.binding.id })
      return outcome.ok ? '0' : outcome.code
    }
    assert.equal(await bindAgain({ privateNum: numbers[0]! }), '0')
    assert.equal(await bindAgain({ areaCode: '0755' }), '0')
    assert.equal(await bindAgain({ privateNum: numbers[0]! }), '1020182')
    assert.equal(await bindAgain({ areaCode: '0755' }), '1020182')
    assert.equal(await bind({ origNum: aNumber(701), privateNum: numbers[0]! }, strict), '0')
    now += DAY_MS
    assert.equal(await bindAgain({ areaCode: '0755' }), '0')
  })
})
