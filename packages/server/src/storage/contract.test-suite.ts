import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AxbBinding, ClaimKey } from '../bindings/binding.ts'
import type { CallEventType, CallFact, CallRecord } from '../calls/call-record.ts'
import { numberStatusPush } from '../notifications/number-status.ts'
import type { OutboxItem } from '../notifications/outbox.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import type { Storage, StorageOptions } from './open-storage.ts'

/** Made-up numbers: `party(21)` is +8613800000021, `xNumber(1)` is +8617000000001. */
export const party = (n: number) => `+86138${String(n).padStart(8, '0')}` as E164
export const xNumber = (n: number) => `+86170${String(n).padStart(8, '0')}` as E164

export const testApp: App = {
  key: 'demoKey',
  secret: 'demo-secret-of-the-app',
  tenantId: 't1',
  spId: 'demo_sp',
  name: 'demo',
  mode: 'AXB',
  status: 'normal',
  accountStatus: 'active',
  recordingEnabled: true,
  smsEnabled: true,
  allowFixedLineCaller: false,
  lenientUserData: false,
  ipAllowlist: [],
  statusUrl: 'http://customer.example/status',
  cdrUrl: 'http://customer.example/cdr',
  pushSignature: 'aksk',
  verifyPushCertificate: true,
  noBindingTone: 'no_binding.wav',
}

export const testX = (n: number, changes: Partial<XNumber> = {}): XNumber => ({
  number: xNumber(n),
  appKey: testApp.key,
  areaCode: '0755',
  province: '广东省',
  status: 'normal',
  smsCapable: true,
  ...changes,
})

export const testBinding = (n: number, changes: Partial<AxbBinding> = {}): AxbBinding => ({
  mode: 'AXB',
  id: `1d39eaef-0000-4000-8000-${String(n).padStart(12, '0')}`,
  appKey: testApp.key,
  x: xNumber(1),
  a: party(2 * n),
  b: party(2 * n + 1),
  callDirection: 0,
  durationSec: 0,
  maxDurationMin: 0,
  recordFlag: false,
  privateSms: true,
  changedAt: 1000,
  ...changes,
})

/** The keys of parties. */
export const parties = (...numbers: E164[]): ClaimKey[] => numbers.map((party) => ({ kind: 'party', party }))

export const testRecord = (n: number, changes: Partial<CallRecord> = {}): CallRecord => ({
  sessionId: `1200_${n}_1_20260124023003@pn01.example`,
  icid: `icid-${n}`,
  hostName: 'pn01.example',
  appKey: testApp.key,
  spId: testApp.spId,
  direction: 1,
  serviceType: '004',
  x: xNumber(1),
  caller: party(21),
  callInAt: 1000,
  ...changes,
})

const fact = (record: CallRecord, event: CallEventType, at = 1000): CallFact => ({ record, event, at })
const ended = { at: 5000, releaseCode: 0, q850: 0, sipStatus: 0 }

/** What every storage does. `open` gives an empty one, and `reopen` the same data after `close`. */
export type StorageFactory = {
  open(options?: Partial<StorageOptions>): Promise<Storage>
  reopen(options?: Partial<StorageOptions>): Promise<Storage>
  dispose(): Promise<void>
}

export function storageContract(name: string, factory: () => StorageFactory): void {
  const it = (title: string, run: (storage: Storage, f: StorageFactory) => Promise<void>, options = {}) =>
    test(`${name}: ${title}`, async () => {
      const f = factory()
      const storage = await f.open(options)
      try {
        await storage.apps.saveApp(testApp)
        await storage.numbers.save([testX(1), testX(2)])
        await run(storage, f)
      } finally {
        await storage.close().catch(() => {})
        await f.dispose()
      }
    })

  it('gives back an app as it was saved, at once after an edit', async ({ apps }) => {
    assert.deepEqual(await apps.findApp(testApp.key), testApp)
    await apps.saveApp({ ...testApp, secret: 'other', status: 'suspended' })
    assert.deepEqual(await apps.findApp(testApp.key), { ...testApp, secret: 'other', status: 'suspended' })
    assert.equal(await apps.findApp('nobody'), undefined)
  })

  it('freezes every app of an account with one of them', async ({ apps }) => {
    await apps.saveApp({ ...testApp, key: 'second' })
    assert.equal((await apps.findApp(testApp.key))?.accountStatus, 'active')
    await apps.saveApp({ ...testApp, key: 'second', accountStatus: 'frozen' })
    assert.equal((await apps.findApp(testApp.key))?.accountStatus, 'frozen')
    assert.deepEqual(
      (await apps.listApps('t1')).map((app) => app.key),
      ['demoKey', 'second'],
    )
    assert.deepEqual(await apps.listApps('t2'), [])
  })

  it('gives back an X number as it was saved, at once after an edit', async ({ numbers }) => {
    assert.deepEqual(await numbers.find(xNumber(1)), testX(1))
    await numbers.save([testX(1, { status: 'suspended', smsCapable: false })])
    assert.deepEqual(await numbers.find(xNumber(1)), testX(1, { status: 'suspended', smsCapable: false }))
    assert.deepEqual(
      (await numbers.list(testApp.key)).map((x) => x.number),
      [xNumber(1), xNumber(2)],
    )
  })

  it('saves no number of a list that names an unknown app', async ({ numbers }) => {
    await assert.rejects(numbers.save([testX(3), testX(4, { appKey: 'nobody' })]), { code: 'APP_UNKNOWN' })
    assert.equal(await numbers.find(xNumber(3)), undefined)
  })

  it('dissolves the bindings of a number that moves to another app', async ({ apps, bindings, numbers }) => {
    await apps.saveApp({ ...testApp, key: 'second' })
    await bindings.insert(testBinding(1), { capacity: 1 }, 1000)
    await numbers.save([testX(1, { appKey: 'second' })])
    assert.equal(await bindings.findById(testBinding(1).id, 1000), undefined)
    const moved = testBinding(2, { appKey: 'second', a: party(2), b: party(3) })
    assert.deepEqual(await bindings.insert(moved, { capacity: 1 }, 1000), { ok: true })
  })

  it('removes an X number with its bindings', async ({ bindings, numbers }) => {
    await bindings.insert(testBinding(1), { capacity: 10 }, 1000)
    assert.equal(await numbers.remove(xNumber(1)), true)
    assert.equal(await numbers.remove(xNumber(1)), false)
    assert.equal(await bindings.findById(testBinding(1).id, 1000), undefined)
  })

  it('keeps subscribers', async ({ subscribers }) => {
    await subscribers.save({ username: '13800000022', password: 'p2' })
    await subscribers.save({ username: '13800000021', password: 'p1' })
    await subscribers.save({ username: '13800000021', password: 'p3' })
    assert.deepEqual(await subscribers.find('13800000021'), { username: '13800000021', password: 'p3' })
    assert.deepEqual(
      (await subscribers.list()).map((s) => s.username),
      ['13800000021', '13800000022'],
    )
    assert.equal(await subscribers.remove('13800000021'), true)
    assert.equal(await subscribers.find('13800000021'), undefined)
  })

  it('gives back a binding with all its settings', async ({ bindings }) => {
    const full = testBinding(1, {
      callDirection: 2,
      durationSec: 60,
      expiresAt: 61_000,
      maxDurationMin: 5,
      recordFlag: true,
      recordHintTone: 'hint.wav',
      lastMinVoice: 'last.wav',
      privateSms: false,
      preVoice: { callerHintTone: 'a.wav' },
      userData: '订单 1',
      areaCode: '0755',
    })
    await bindings.insert(full, { capacity: 10 }, 1000)
    assert.deepEqual(await bindings.findById(full.id, 1000), full)
  })

  it('refuses a second binding of a party on one X in either role, and nothing of it stays', async (s) => {
    const { bindings } = s
    await bindings.insert(testBinding(1, { a: party(1), b: party(2) }), { capacity: 10 }, 1000)
    for (const [a, b] of [
      [1, 3],
      [3, 1],
      [2, 3],
      [3, 2],
      [1, 2],
      [2, 1],
    ] as const) {
      const outcome = await bindings.insert(
        testBinding(2, { a: party(a), b: party(b) }),
        { capacity: 10 },
        1000,
      )
      const first = a <= 2 ? a : b
      const taken = {
        number: xNumber(1),
        key: 'party',
        holder: testBinding(1).id,
        role: first === 1 ? 'a' : 'b',
      }
      assert.deepEqual(outcome, { ok: false, reason: 'claim-taken', taken }, `${a}-X-${b}`)
    }
    assert.deepEqual(
      await bindings.insert(testBinding(2, { a: party(3), b: party(4) }), { capacity: 10 }, 1000),
      {
        ok: true,
      },
    )
    const other = testBinding(3, { x: xNumber(2), a: party(1), b: party(3) })
    assert.deepEqual(await bindings.insert(other, { capacity: 10 }, 1000), { ok: true })
  })

  it('refuses a binding over the capacity of X and on an unknown X', async ({ bindings }) => {
    await bindings.insert(testBinding(1), { capacity: 1 }, 1000)
    assert.deepEqual(await bindings.insert(testBinding(2), { capacity: 1 }, 1000), {
      ok: false,
      reason: 'x-full',
    })
    const lost = testBinding(3, { x: xNumber(9) })
    assert.deepEqual(await bindings.insert(lost, { capacity: 1 }, 1000), { ok: false, reason: 'not-found' })
  })

  it('lets an expired binding neither route, be found, count, nor hold its parties or its place', async (s) => {
    const { bindings, routes } = s
    const short = testBinding(1, { expiresAt: 2000, durationSec: 1 })
    await bindings.insert(short, { capacity: 1 }, 1000)
    assert.ok((await routes.lookup(xNumber(1), short.a, 1999)).match)
    const dead = await routes.lookup(xNumber(1), short.a, 2000)
    assert.equal(dead.match, undefined)
    assert.equal(dead.xHasBindings, false)
    assert.equal(await bindings.findById(short.id, 2000), undefined)
    const query = { appKey: testApp.key, x: xNumber(1), at: 2000, offset: 0, limit: 10 }
    assert.deepEqual(await bindings.queryAxb(query), { total: 0, bindings: [] })
    assert.equal(await bindings.deleteById(short.id, 2000), false)
    assert.equal(await bindings.deleteByX(testApp.key, xNumber(1), 2000), 0)
    await bindings.insert(testBinding(2, { expiresAt: 3000 }), { capacity: 1 }, 2000)
    const outcome = await bindings.insert(testBinding(3, { a: short.a }), { capacity: 1 }, 3000)
    assert.deepEqual(outcome, { ok: true })
  })

  it('sweeps expired bindings in batches and only those', async ({ bindings }) => {
    for (let n = 1; n <= 5; n++)
      await bindings.insert(testBinding(n, { expiresAt: 2000 + n }), { capacity: 10 }, 1000)
    await bindings.insert(testBinding(6), { capacity: 10 }, 1000)
    assert.equal(await bindings.deleteExpired(2004, 3), 3)
    assert.equal(await bindings.deleteExpired(2004, 3), 1)
    assert.equal(await bindings.deleteExpired(2004, 3), 0)
    assert.ok(await bindings.findById(testBinding(5).id, 2004))
    assert.ok(await bindings.findById(testBinding(6).id, 2004))
  })

  it('replaces a binding: new parties route, old ones are free, its own parties do not collide', async (s) => {
    const { bindings, routes } = s
    const old = testBinding(1, { a: party(1), b: party(2) })
    await bindings.insert(old, { capacity: 10 }, 1000)
    await bindings.insert(testBinding(2, { a: party(3), b: party(4) }), { capacity: 10 }, 1000)
    const swapped = { ...old, a: party(2), b: party(1), changedAt: 1500, expiresAt: 9000 }
    const replace = (binding: AxbBinding, at: number) => bindings.update('AXB', binding.id, at, () => binding)
    assert.deepEqual(await replace(swapped, 1500), { ok: true })
    assert.deepEqual(await bindings.findById(old.id, 1500), swapped)
    assert.equal((await routes.lookup(xNumber(1), party(2), 1500)).match?.role, 'a')
    const clash = { ...swapped, b: party(3) }
    const outcome = await replace(clash, 1500)
    assert.ok(!outcome.ok && outcome.reason === 'claim-taken' && outcome.taken.holder === testBinding(2).id)
    assert.deepEqual(await bindings.findById(old.id, 1500), swapped)
    assert.deepEqual(await replace({ ...swapped, b: party(5) }, 1500), { ok: true })
    assert.deepEqual(
      await bindings.insert(testBinding(3, { a: party(1), b: party(6) }), { capacity: 10 }, 1500),
      {
        ok: true,
      },
    )
    assert.deepEqual(await replace(swapped, 9000), { ok: false, reason: 'not-found' })
  })

  it('changes a binding as it is, with its X, so that changes at the same time all count', async (s) => {
    const { bindings } = s
    const old = testBinding(1)
    await bindings.insert(old, { capacity: 10 }, 1000)
    await Promise.all([
      bindings.update('AXB', old.id, 1000, (now) => ({ ...now, callDirection: 1 })),
      bindings.update('AXB', old.id, 1000, (now) => ({ ...now, maxDurationMin: 7 })),
    ])
    const changed = { ...old, callDirection: 1 as const, maxDurationMin: 7 }
    const refused = await bindings.update('AXB', old.id, 1000, (now, x) => {
      assert.deepEqual([now, x], [changed, testX(1)])
      return { ok: false, code: 'no' }
    })
    assert.deepEqual(refused, { ok: false, reason: 'refused', refusal: { ok: false, code: 'no' } })
    assert.deepEqual(await bindings.findById(old.id, 1000), changed)
  })

  it('looks a call up by X and caller, with role, X and app', async ({ bindings, routes }) => {
    const binding = testBinding(1)
    await bindings.insert(binding, { capacity: 10 }, 1000)
    const app = testApp
    const xHasBindings = true
    assert.deepEqual(await routes.lookup(xNumber(1), binding.a, 1000), {
      xNumber: testX(1),
      app,
      match: { binding, role: 'a' },
      xHasBindings,
    })
    assert.equal((await routes.lookup(xNumber(1), binding.b, 1000)).match?.role, 'b')
    for (const stranger of [party(99), undefined]) {
      const view = await routes.lookup(xNumber(1), stranger, 1000)
      assert.deepEqual(view, { xNumber: testX(1), app, match: undefined, xHasBindings })
    }
    assert.equal((await routes.lookup(xNumber(2), binding.a, 1000)).xHasBindings, false)
    assert.equal((await routes.lookup(xNumber(9), binding.a, 1000)).xNumber, undefined)
  })

  it('queries bindings of an X by page and by party, only for the app that asks', async ({ bindings }) => {
    for (let n = 1; n <= 5; n++) await bindings.insert(testBinding(n), { capacity: 10 }, 1000)
    const of = (changes: object) =>
      bindings.queryAxb({ appKey: testApp.key, x: xNumber(1), at: 1000, offset: 0, limit: 2, ...changes })
    const ids = async (changes: object) => (await of(changes)).bindings.map((b) => b.id)
    assert.equal((await of({})).total, 5)
    assert.deepEqual(await ids({}), [testBinding(1).id, testBinding(2).id])
    assert.deepEqual(await ids({ offset: 4 }), [testBinding(5).id])
    assert.deepEqual(await ids({ a: party(6) }), [testBinding(3).id])
    assert.deepEqual(await ids({ b: party(7) }), [testBinding(3).id])
    assert.deepEqual(await ids({ a: party(6), b: party(7) }), [testBinding(3).id])
    assert.deepEqual(await ids({ a: party(7) }), [])
    assert.deepEqual(await ids({ a: party(6), b: party(9) }), [])
    assert.deepEqual(await of({ appKey: 'other' }), { total: 0, bindings: [] })
  })

  it('removes one binding or all of an X and frees their parties', async ({ bindings }) => {
    for (let n = 1; n <= 3; n++) await bindings.insert(testBinding(n), { capacity: 10 }, 1000)
    assert.equal(await bindings.deleteById(testBinding(1).id, 1000), true)
    assert.equal(await bindings.deleteById(testBinding(1).id, 1000), false)
    assert.equal(await bindings.deleteByX('other', xNumber(1), 1000), 0)
    assert.equal(await bindings.deleteByX(testApp.key, xNumber(1), 1000), 2)
    assert.deepEqual(
      await bindings.insert(testBinding(4, { a: party(2), b: party(5) }), { capacity: 1 }, 1000),
      {
        ok: true,
      },
    )
  })

  it('frees a full X with all its pairs at once; what is left of them is cleared in batches', async (s) => {
    const { bindings, routes } = s
    for (let n = 1; n <= 3; n++) await bindings.insert(testBinding(n), { capacity: 3 }, 1000)
    assert.equal(await bindings.deleteByX(testApp.key, xNumber(1), 1000), 3)
    // Also for a clock that was set back meanwhile.
    for (const at of [1000, 1]) {
      const { match, xHasBindings } = await routes.lookup(xNumber(1), testBinding(1).a, at)
      assert.deepEqual([match, xHasBindings], [undefined, false])
      assert.equal(await bindings.findById(testBinding(1).id, at), undefined)
      assert.equal(await bindings.deleteByX(testApp.key, xNumber(1), at), 0)
    }
    const query = {
      appKey: testApp.key,
      without: parties(testBinding(1).a, party(91)),
      capacity: 3,
      at: 1000,
      limit: 5,
    }
    assert.deepEqual(
      (await bindings.candidates(query)).map((x) => x.number),
      [xNumber(2), xNumber(1)],
    )
    assert.deepEqual(await bindings.insert(testBinding(1), { capacity: 1 }, 1000), { ok: true })
    assert.equal(await bindings.deleteByX(testApp.key, xNumber(1), 1000), 1)
    assert.equal(await bindings.deleteExpired(1000, 2), 1)
    assert.equal(await bindings.deleteExpired(1000, 2), 0)
  })

  it('offers the X with the fewest bindings, then the one released longest ago', async ({
    bindings,
    numbers,
  }) => {
    await numbers.save([testX(3)])
    const ask = async (changes: object = {}) => {
      const query = {
        appKey: testApp.key,
        without: parties(party(90), party(91)),
        capacity: 2,
        at: 1000,
        limit: 5,
      }
      return (await bindings.candidates({ ...query, area: '0755', ...changes })).map((x) => x.number)
    }
    assert.deepEqual(await ask(), [xNumber(1), xNumber(2), xNumber(3)])
    await bindings.insert(testBinding(1, { x: xNumber(1) }), { capacity: 2 }, 1000)
    await bindings.insert(testBinding(2, { x: xNumber(2) }), { capacity: 2 }, 1000)
    assert.deepEqual(await ask(), [xNumber(3), xNumber(1), xNumber(2)])
    await bindings.deleteById(testBinding(1).id, 5000)
    await bindings.deleteById(testBinding(2).id, 4000)
    assert.deepEqual(await ask(), [xNumber(3), xNumber(2), xNumber(1)])
    assert.deepEqual(await ask({ limit: 1 }), [xNumber(3)])
  })

  it('offers no X that is full, barred, of another area or taken by a party, but one with room again', async (s) => {
    const { bindings, numbers } = s
    await numbers.save([
      testX(2, { status: 'binding-frozen' }),
      testX(3, { areaCode: '020' }),
      testX(4, { areaCode: '010', province: '北京市' }),
    ])
    const ask = async (changes: object) => {
      const query = {
        appKey: testApp.key,
        without: parties(party(90), party(91)),
        capacity: 2,
        at: 1000,
        limit: 5,
      }
      return (await bindings.candidates({ ...query, ...changes })).map((x) => x.number)
    }
    assert.deepEqual(await ask({ area: '0755' }), [xNumber(1)])
    assert.deepEqual(await ask({ province: '广东省' }), [xNumber(1), xNumber(3)])
    assert.deepEqual(await ask({}), [xNumber(1), xNumber(3), xNumber(4)])
    assert.deepEqual(await ask({ area: '0571' }), [])
    await numbers.save([testX(1, { smsCapable: false }), testX(3, { areaCode: '020', smsCapable: true })])
    assert.deepEqual(await ask({ withSms: true }), [xNumber(3), xNumber(4)])
    assert.deepEqual(await ask({ area: '020', withSms: true }), [xNumber(3)])
    assert.deepEqual(await ask({ area: '0755', withSms: true }), [])
    await bindings.insert(testBinding(1, { a: party(91), expiresAt: 2000 }), { capacity: 2 }, 1000)
    assert.deepEqual(await ask({ area: '0755' }), [])
    assert.deepEqual(await ask({ area: '0755', without: parties(party(90), party(92)), capacity: 1 }), [])
    assert.deepEqual(await ask({ area: '0755', at: 2000, capacity: 1 }), [xNumber(1)])
  })

  it('holds a party to one binding per X under thousands of binds at once', async ({ bindings, numbers }) => {
    const pool = [testX(1), testX(2), testX(3)]
    await numbers.save(pool)
    let seed = 1
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    const tried = Array.from({ length: 3000 }, (_, n) => {
      const a = random(60)
      return testBinding(n, { x: pool[random(3)]!.number, a: party(a), b: party((a + 1 + random(59)) % 60) })
    })
    const done = await Promise.all(tried.map((binding) => bindings.insert(binding, { capacity: 25 }, 1000)))
    const parties = new Set<string>()
    const perX = new Map<string, number>()
    for (const [n, { x, a, b }] of tried.entries()) {
      const outcome = done[n]!
      if (!outcome.ok) continue
      for (const key of [`${x} ${a}`, `${x} ${b}`]) {
        assert.ok(!parties.has(key), `${key} is in two bindings`)
        parties.add(key)
      }
      perX.set(x, (perX.get(x) ?? 0) + 1)
    }
    for (const [x, pairs] of perX) {
      assert.ok(pairs <= 25)
      const found = await bindings.queryAxb({
        appKey: testApp.key,
        x: x as E164,
        at: 1000,
        offset: 0,
        limit: 100,
      })
      assert.equal(found.total, pairs)
    }
    assert.equal(perX.size, 3)
  })

  it('[num.bindsPerDay] counts the binds of an A where they are limited, anew each day', async ({
    bindings,
  }) => {
    const day = 86_400_000
    const bind = async (n: number, at: number) => {
      const binding = testBinding(n, { a: party(1), b: party(n + 10), changedAt: at })
      const outcome = await bindings.insert(binding, { capacity: 10, perDay: 2 }, at)
      await bindings.deleteById(binding.id, at)
      return outcome.ok || outcome.reason
    }
    assert.deepEqual(
      [await bind(1, day), await bind(2, day), await bind(3, 2 * day - 1), await bind(4, 2 * day)],
      [true, true, 'day-full', true],
    )
    const other = testBinding(5, { a: party(3), b: party(4) })
    assert.deepEqual(await bindings.insert(other, { capacity: 10, perDay: 2 }, day), { ok: true })
  })

  const telling: Partial<StorageOptions> = { numberStatusPush }
  const statusApp: App = { ...testApp, pushNumberStatus: true, statusUrl: 'http://customer.example/status' }
  const told = async ({ outbox }: Storage) =>
    (await outbox.due(9_000, 100)).map(({ kind, url, body }) => [kind, url, JSON.parse(body) as unknown])

  it(
    '[num.status] [num.cause] tells of a new state, and of a new cause, with the change and not twice',
    async (storage) => {
      const { apps, numbers, numberStates } = storage
      await apps.saveApp(statusApp)
      const number = xNumber(1)
      assert.equal(await numberStates.change(number, { status: 'unusable', cause: '2' }, 1000), true)
      assert.equal(await numberStates.change(number, { status: 'unusable', cause: '2' }, 1000), true)
      assert.equal(await numberStates.change(number, { status: 'unusable', cause: '3' }, 2000), true)
      assert.equal((await numbers.find(number))?.cause, '3')
      assert.equal(await numberStates.change(number, { status: 'suspended', cause: '3' }, 2000), true)
      assert.equal((await numbers.find(number))?.cause, undefined)
      assert.equal(await numberStates.change(number, { status: 'binding-frozen' }, 3000), true)
      assert.equal(await numberStates.change(number, { status: 'normal' }, 3000), true)
      assert.equal(await numberStates.change(xNumber(9), { status: 'normal' }, 3000), false)
      const row = (status: string, cause?: string) => [
        'numStatus',
        statusApp.statusUrl,
        { number, status, ...(cause && { cause }) },
      ]
      assert.deepEqual(await told(storage), [row('10', '2'), row('10', '3'), row('9'), row('11'), row('5')])
    },
    telling,
  )

  it(
    'a state that failed to be told does not come after a newer one',
    async (storage) => {
      await storage.apps.saveApp(statusApp)
      await storage.numberStates.change(xNumber(1), { status: 'suspended' }, 1000)
      await storage.numberStates.change(xNumber(2), { status: 'suspended' }, 1000)
      const failed = (await storage.outbox.due(1000, 10)).map(({ id }) => id)
      const change = { attempts: 1, firstFailedAt: 1100, dueAt: 5000, batchId: 'b', error: 'HTTP 500' }
      await storage.outbox.postpone(failed, change)
      await storage.numberStates.change(xNumber(1), { status: 'normal' }, 2000)
      const states = (await told(storage)).map(([, , body]) => body)
      assert.deepEqual(states, [
        { number: xNumber(1), status: '5' },
        { number: xNumber(2), status: '9' },
      ])
    },
    telling,
  )

  it(
    '[num.deleted] a deleted number is told as unusable with cause 1, and its bindings are gone',
    async (storage) => {
      await storage.apps.saveApp({ ...statusApp, numberStatusUrl: 'http://customer.example/numbers' })
      await storage.bindings.insert(testBinding(1), { capacity: 10 }, 1000)
      assert.equal(await storage.numberStates.remove(xNumber(1), 1000), true)
      assert.equal(await storage.numberStates.remove(xNumber(1), 1000), false)
      assert.equal(await storage.numbers.find(xNumber(1)), undefined)
      assert.equal(await storage.bindings.findById(testBinding(1).id, 1000), undefined)
      const body = { number: xNumber(1), status: '10', cause: '1' }
      assert.deepEqual(await told(storage), [['numStatus', 'http://customer.example/numbers', body]])
    },
    telling,
  )

  it(
    '[num.account] a frozen account tells its numbers suspended, a freed one their own state; the unusable stay',
    async (storage) => {
      const { apps, numbers, numberStates } = storage
      await apps.saveApp(statusApp)
      await apps.saveApp({ ...statusApp, key: 'silent', pushNumberStatus: false })
      await numbers.save([
        testX(2, { status: 'unusable', cause: '3' }),
        testX(3, { status: 'binding-frozen' }),
        testX(4, { appKey: 'silent' }),
      ])
      assert.equal(await numberStates.changeAccount('t1', 'frozen', 1000), true)
      assert.equal(await numberStates.changeAccount('t1', 'frozen', 1000), true)
      assert.equal((await apps.findApp(testApp.key))?.accountStatus, 'frozen')
      assert.equal(await numberStates.changeAccount('t1', 'active', 2000), true)
      assert.equal(await numberStates.changeAccount('t9', 'active', 2000), false)
      const states = (await told(storage)).map(([, , body]) => {
        const { number, status } = body as { number: string; status: string }
        return [number, status]
      })
      assert.deepEqual(states, [
        [xNumber(1), '9'],
        [xNumber(3), '9'],
        [xNumber(1), '5'],
        [xNumber(3), '11'],
      ])
    },
    telling,
  )

  it(
    '[num.switch] nothing is told of a number whose app does not push states or has no address',
    async (storage) => {
      const { statusUrl: _none, ...mute } = statusApp
      await storage.apps.saveApp(mute)
      await storage.numberStates.change(xNumber(1), { status: 'suspended' }, 1000)
      await storage.apps.saveApp({ ...statusApp, pushNumberStatus: false })
      await storage.numberStates.change(xNumber(1), { status: 'normal' }, 1000)
      assert.deepEqual(await told(storage), [])
    },
    telling,
  )

  const pushing: Partial<StorageOptions> = {
    groupCommitMs: 1,
    pushesOf: (f, app) => [
      { kind: 'event', url: app.statusUrl!, body: `{"event":"${f.event}"}`, sessionId: f.record.sessionId },
      ...(f.event === 'disconnect'
        ? [{ kind: 'fee' as const, url: app.cdrUrl!, body: '{}', sessionId: f.record.sessionId }]
        : []),
    ],
  }

  it(
    'commits facts with their pushes and announces these in order, with clear bodies',
    async ({ journal, outbox }) => {
      const announced: OutboxItem[] = []
      outbox.onCommitted((items) => void announced.push(...items))
      journal.append(fact(testRecord(1), 'callin'))
      journal.append(fact(testRecord(2), 'callin'))
      journal.append(fact(testRecord(1, { end: ended }), 'disconnect', 5000))
      await journal.flush()
      assert.deepEqual(
        announced.map((item) => [item.sessionId.split('_')[1], item.kind, item.body, item.dueAt]),
        [
          ['1', 'event', '{"event":"callin"}', 1000],
          ['2', 'event', '{"event":"callin"}', 1000],
          ['1', 'event', '{"event":"disconnect"}', 5000],
          ['1', 'fee', '{}', 5000],
        ],
      )
      const ids = announced.map((item) => item.id)
      assert.deepEqual(
        [...ids].sort((a, b) => a - b),
        ids,
      )
      assert.deepEqual(await outbox.due(5000, 10), announced)
      assert.deepEqual(await outbox.due(4999, 10), announced.slice(0, 2))
    },
    pushing,
  )

  it(
    'commits by itself after the group interval',
    async ({ journal, outbox }) => {
      const committed = new Promise((resolve) => outbox.onCommitted(resolve))
      journal.append(fact(testRecord(1), 'callin'))
      assert.equal(((await committed) as OutboxItem[]).length, 1)
    },
    pushing,
  )

  it(
    'flush called again and again from its own continuation always ends',
    async ({ journal }) => {
      for (let n = 0; n < 20; n++) {
        for (let call = 0; call < 40; call++) journal.append(fact(testRecord(call), 'alerting'))
        await journal.flush()
      }
    },
    pushing,
  )

  it(
    'after a restart gives the calls without an end and the pushes that wait, and numbers new ones on',
    async (storage, f) => {
      storage.journal.append(fact(testRecord(1), 'callin'))
      storage.journal.append(fact(testRecord(2), 'callin'))
      storage.journal.append(fact(testRecord(2, { end: ended }), 'disconnect'))
      await storage.close()
      const again = await f.reopen(pushing)
      try {
        assert.deepEqual(await again.journal.openCalls(), [testRecord(1)])
        const waiting = await again.outbox.due(9000, 100)
        assert.equal(waiting.length, 4)
        again.journal.append(fact(testRecord(4), 'callin', 8000))
        await again.journal.flush()
        const newest = (await again.outbox.due(9000, 100)).at(-1)!
        assert.ok(waiting.every((item) => item.id < newest.id))
        assert.equal(again.aliveUntil, undefined, 'nobody said so')
      } finally {
        await again.close()
      }
    },
    pushing,
  )

  it(
    'removes delivered pushes and puts failed ones off with their batch',
    async ({ journal, outbox }) => {
      for (let n = 1; n <= 3; n++) journal.append(fact(testRecord(n), 'callin'))
      await journal.flush()
      const [first, second, third] = await outbox.due(1000, 10)
      await outbox.remove([first!.id])
      const change = {
        attempts: 1,
        firstFailedAt: 1100,
        dueAt: 61_100,
        batchId: 'b1',
        error: '500',
      }
      await outbox.postpone([second!.id], change)
      assert.deepEqual(await outbox.due(1000, 10), [third])
      assert.equal(await outbox.nextDueAt(1000), change.dueAt)
      assert.equal(await outbox.nextDueAt(change.dueAt - 1), change.dueAt)
      assert.equal(await outbox.nextDueAt(change.dueAt), undefined)
      const { error: _, ...put } = change
      assert.deepEqual(await outbox.due(change.dueAt, 10), [third, { ...second, ...put }])
    },
    pushing,
  )
}
