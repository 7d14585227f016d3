import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { areasBy } from '../numbers/area.ts'
import type { E164 } from '../shared/e164.ts'
import { systemClock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { type App, newApp } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import type { AxeBindRequest, AxeService } from './axe-requests.ts'
import { createAxeService } from './axe-service.ts'
import type { AxeBinding } from './binding.ts'

/** Binds at the same moment (spec/axe.md sections 1 and 2): extensions and parties stay unique, every loser learns why. */

eachEngine(({ name, open }) => {
  /** Every commit of a PostgreSQL waits for its disk: a fifth of the crowd makes the same races there. */
  const crowd = (size: number): number => (name === 'SQLite' ? size : size / 5)
  let storage: Storage
  let axe: AxeService

  const xs = [1, 2, 3].map((n) => `+8617000000${String(n).padStart(3, '0')}` as E164)
  const X = xs[0]!
  const party = (n: number) => `+86138${String(n).padStart(8, '0')}` as E164
  const appOf = (extensionLength: 1 | 2 | 3 | 4): App =>
    newApp({ key: 'demoKey', secret: 's', tenantId: 't', mode: 'AXE', axe: { extensionLength } })
  const ONE = appOf(1)
  const TWO = appOf(2)

  before(async () => {
    storage = await open({ clock: systemClock })
    const areas = areasBy(
      () => undefined,
      () => 'Guangdong',
    )
    axe = createAxeService({ store: storage.bindings, memory: storage.memory, clock: systemClock, areas })
    await storage.apps.saveApp(TWO)
  })
  after(() => storage.close())

  const saveX = (numbers: readonly E164[]) =>
    storage.numbers.save(
      numbers.map((number) => ({
        number,
        appKey: 'demoKey',
        areaCode: '0755',
        province: 'Guangdong',
        status: 'normal',
        smsCapable: true,
      })),
    )

  beforeEach(async () => {
    for (const { number } of await storage.numbers.list('demoKey')) await storage.numbers.remove(number)
    await saveX(xs)
  })

  type Request = Partial<AxeBindRequest> & Pick<AxeBindRequest, 'bindNum'>
  const bind = (app: App, request: Request) => axe.bind(app, { recordFlag: false, ...request })

  /** Runs binds at the same moment; gives what was bound, and the codes of the others counted. */
  async function bindAll(app: App, requests: readonly Request[]) {
    const bound: AxeBinding[] = []
    const codes: Record<string, number> = {}
    for (const outcome of await Promise.all(requests.map((request) => bind(app, request)))) {
      if (outcome.ok) bound.push(outcome.binding)
      else codes[outcome.code] = (codes[outcome.code] ?? 0) + 1
    }
    return { bound, codes }
  }

  function assertUnique(bound: readonly AxeBinding[]): void {
    for (const keyOf of [
      ({ x, extension }: AxeBinding) => `${x} ${extension}`,
      ({ x, a }: AxeBinding) => `${x} ${a}`,
    ])
      assert.equal(new Set(bound.map(keyOf)).size, bound.length)
  }

  const times = <T>(count: number, make: (n: number) => T): T[] =>
    Array.from({ length: count }, (_, n) => make(n))
  const extensions = (bound: readonly AxeBinding[]) => bound.map(({ extension }) => extension).toSorted()

  describe('AXE binds at the same moment', () => {
    for (const [app, all] of [
      [ONE, times(9, (n) => String(n + 1))],
      [TWO, times(99, (n) => String(n + 1).padStart(2, '0'))],
    ] as const) {
      test(`[axe.ext.unique] [axe.ext.capacity] a crowd on one X shares its ${all.length} extensions, the others get 1012008`, async () => {
        const { bound, codes } = await bindAll(
          app,
          times(crowd(1000), (n) => ({ bindNum: party(n), virtualNum: X })),
        )
        assertUnique(bound)
        assert.deepEqual(extensions(bound), all)
        assert.deepEqual(codes, { '1012008': crowd(1000) - all.length })
      })

      test(`[axe.ext.unique] [axe.bind.area.free] a crowd by area fills ${xs.length} X of ${all.length}, and no more`, async () => {
        const { bound, codes } = await bindAll(
          app,
          times(crowd(2000), (n) => ({ bindNum: party(n), areaCode: '0755' })),
        )
        assertUnique(bound)
        assert.deepEqual(codes, { '1012008': crowd(2000) - bound.length })
        assert.equal(bound.length, xs.length * all.length)
        for (const x of xs) assert.deepEqual(extensions(bound.filter((binding) => binding.x === x)), all)
      })
    }

    test('[axe.bind.area.free] a crowd by area finds every free extension of thirty X', async () => {
      await saveX(times(30, (n) => `+8617000001${String(n).padStart(3, '0')}` as E164))
      const { bound, codes } = await bindAll(
        ONE,
        times(400, (n) => ({ bindNum: party(n), areaCode: '0755' })),
      )
      assertUnique(bound)
      assert.equal(bound.length, 33 * 9)
      assert.deepEqual(codes, { '1012008': 400 - 33 * 9 })
    })

    test('[axe.bind.same-a.race] the same A many times on one X is bound once, the others get 1016002', async () => {
      const { bound, codes } = await bindAll(
        TWO,
        times(crowd(1000), () => ({ bindNum: party(1), virtualNum: X })),
      )
      assert.equal(bound.length, 1)
      assert.deepEqual(codes, { '1016002': crowd(1000) - 1 })
    })

    test('[axe.bind.same-a.race] the same A by area gets one extension on each X', async () => {
      const { bound, codes } = await bindAll(
        TWO,
        times(crowd(500), () => ({ bindNum: party(1), areaCode: '0755' })),
      )
      assert.deepEqual(bound.map(({ x }) => x).toSorted(), xs)
      assert.deepEqual(codes, { '1012008': crowd(500) - 3 })
    })

    test('[axe.ext.taken.race] one extension wanted by many goes to one, the others get 1020167', async () => {
      const { bound, codes } = await bindAll(
        TWO,
        times(crowd(1000), (n) => ({ bindNum: party(n), virtualNum: X, extendNum: '42' })),
      )
      assert.deepEqual(extensions(bound), ['42'])
      assert.deepEqual(codes, { '1020167': crowd(1000) - 1 })
    })

    test('[axe.ext.unique] wanted and given ones, binds and unbinds, all at once: each has one holder', async () => {
      const first = await bindAll(
        TWO,
        times(40, (n) => ({ bindNum: party(n), virtualNum: X })),
      )
      const unbinds = first.bound.map(({ id }) => axe.unbind(TWO, { subscriptionId: id }))
      const second = await bindAll(
        TWO,
        times(crowd(1000), (n) => ({
          bindNum: party(n % 150),
          virtualNum: X,
          ...(n % 3 === 0 && { extendNum: String(n % 100).padStart(2, '0') }),
        })),
      )
      assert.ok((await Promise.all(unbinds)).every(({ ok }) => ok))
      assertUnique(second.bound)
      assert.deepEqual(Object.keys(second.codes).toSorted(), ['1012008', '1016002', '1020167'])
      const listed = await axe.list(TWO, { virtualNum: X, after: 0, limit: 100 })
      assert.ok(listed.ok)
      assert.deepEqual(extensions(listed.bindings), extensions(second.bound))
    })

    test('[axe.modify.race] two modifies of different members both count', async () => {
      const { bound } = await bindAll(TWO, [{ bindNum: party(1), virtualNum: X }])
      const subscriptionId = bound[0]!.id
      await Promise.all([
        axe.modify(TWO, { subscriptionId, userData: 'u' }),
        axe.modify(TWO, { subscriptionId, callbackTone: 't.wav' }),
        axe.modify(TWO, { virtualNum: X, extendNum: '01', displayNumMode: '0' }),
      ])
      const found = await axe.query(TWO, { subscriptionId })
      assert.ok(found.ok)
      const { userData, callbackTone, displayNumMode } = found.binding
      assert.deepEqual(
        { userData, callbackTone, displayNumMode },
        { userData: 'u', callbackTone: 't.wav', displayNumMode: '0' },
      )
    })

    test('[axe.unbind.race] of a hundred unbinds of one binding one succeeds', async () => {
      const { bound } = await bindAll(TWO, [{ bindNum: party(1), virtualNum: X }])
      const outcomes = await Promise.all(times(100, () => axe.unbind(TWO, { subscriptionId: bound[0]!.id })))
      assert.equal(outcomes.filter(({ ok }) => ok).length, 1)
    })
  })

  describe('AXE binds a day', () => {
    test('[axe.error.1020182] the bind that is one too many for A today gets 1020182, by X and by area', async () => {
      let now = Date.UTC(2026, 0, 24, 2, 30)
      const limited = createAxeService({
        store: storage.bindings,
        memory: storage.memory,
        clock: { ...systemClock, now: () => now },
        areas: areasBy(
          () => undefined,
          () => 'Guangdong',
        ),
        maxBindsPerDay: 2,
      })
      const codeOf = async (request: Request) => {
        const outcome = await limited.bind(TWO, { recordFlag: false, ...request })
        return outcome.ok ? '0' : outcome.code
      }
      const bindNum = party(77)
      assert.equal(await codeOf({ bindNum, virtualNum: X }), '0')
      assert.equal(await codeOf({ bindNum, areaCode: '0755' }), '0')
      assert.equal(await codeOf({ bindNum, areaCode: '0755' }), '1020182')
      assert.equal(await codeOf({ bindNum: party(78), areaCode: '0755' }), '0')
      now += 86_400_000
      assert.equal(await codeOf({ bindNum, areaCode: '0755' }), '0')
    })
  })

  describe('AXE extensions go round', () => {
    test('[axe.ext.round-robin] a released one is not given again before the round has gone', async () => {
      const released: string[] = []
      for (let n = 0; n < 300; n += 1) {
        const outcome = await bind(TWO, { bindNum: party(1), virtualNum: X })
        assert.ok(outcome.ok)
        released.push(outcome.binding.extension)
        await axe.unbind(TWO, { subscriptionId: outcome.binding.id })
      }
      const round = times(99, (n) => String(n + 1).padStart(2, '0'))
      assert.deepEqual(released, [...round, ...round, ...round].slice(0, 300).concat(round.slice(0, 3)))
    })

    test('[axe.ext.round-robin] at the end of a full round the only free one is found, wherever it is', async () => {
      const { bound } = await bindAll(
        TWO,
        times(99, (n) => ({ bindNum: party(n), virtualNum: X })),
      )
      for (const extension of ['50', '01', '99', '50']) {
        const holder = bound.find((binding) => binding.extension === extension)!
        await axe.unbind(TWO, { virtualNum: X, extendNum: extension })
        const again = await bind(TWO, { bindNum: holder.a, virtualNum: X })
        assert.ok(again.ok)
        assert.equal(again.binding.extension, extension)
      }
    })

    // Ten thousand commits of a PostgreSQL would take minutes, and show nothing new.
    if (name === 'PostgreSQL') return
    test('[axe.ext.range-4] four digits: 9999 extensions of one X, and the 10000th bind gets 1012008', async () => {
      const app = appOf(4)
      const seen = new Set<string>()
      for (let batch = 0; batch < 10; batch += 1) {
        const size = batch === 9 ? 999 : 1000
        const { bound, codes } = await bindAll(
          app,
          times(size, (n) => ({ bindNum: party(batch * 1000 + n), virtualNum: X })),
        )
        assert.deepEqual(codes, {})
        for (const { extension } of bound) seen.add(extension)
      }
      assert.equal(seen.size, 9999)
      assert.equal(seen.has('0000'), false)
      const one = await bind(app, { bindNum: party(20_000), virtualNum: X })
      assert.deepEqual(one, { ok: false, code: '1012008' })
    })
  })
})
