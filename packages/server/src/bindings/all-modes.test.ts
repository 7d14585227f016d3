import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { type Mode, newApp } from '../tenants/app.ts'
import { eachEngine, type TestEngine } from '../testkit/engines.ts'
import { createAxService } from './ax-service.ts'
import { createAxbService } from './axb-service.ts'
import { createAxeService } from './axe-service.ts'
import { createAxybService } from './axyb-service.ts'
import type { AxybPair, Binding } from './binding.ts'

/** So many binds of each mode at once; PostgreSQL takes its time, so it gets a tenth. */
const BINDS: Readonly<Record<TestEngine['name'], number>> = { SQLite: 2_500, PostgreSQL: 250 }
/** X numbers of each app: far too few. */
const NUMBERS = 8
const AXB_PAIRS = 30
/** Who is A of the relation that all Y-B pairs join; nobody's B. */
const A_OF_PAIRS = 399
const NOW = Date.UTC(2026, 0, 24)

const virtual = (mode: (typeof MODES)[number], n: number) =>
  `+86170${MODES.indexOf(mode)}${String(n).padStart(7, '0')}` as E164
/** A small crowd: the same people come again and again, in every role. */
const someone = (n: number) => `+86138${String(n % 400).padStart(8, '0')}` as E164
const MODES = ['AX', 'AXB', 'AXE', 'AXYB'] as const
const appOf = (mode: Mode) =>
  newApp({ key: `app-${mode}`, secret: 's', tenantId: 't', mode, axe: { extensionLength: 1 } })

/** Codes that a crowd on a small pool may get, and no other. */
const EXPECTED: Readonly<Record<(typeof MODES)[number], readonly string[]>> = {
  AX: ['0', '1011003', '1011005', '1016002'],
  AXB: ['0', '1012009', '1012010'],
  AXE: ['0', '1012008', '1016002', '1020167'],
  AXYB: ['0', '1012008', '1012010'],
}

eachEngine(({ name, open }) => {
  let storage: Storage
  before(async () => void (storage = await open({ clock })))
  after(() => storage.close())
  const clock: Clock = { now: () => NOW, setTimer: () => ({ cancel() {} }) }

  test('ten thousand binds of four modes at once on a small pool break no rule, and refusals carry their code', async () => {
    const store = storage.bindings
    const home = { home: () => ({ areaCode: '0755', province: '' }) }
    const common = { store, clock, areas: home }
    const ax = createAxService({ ...common, memory: storage.memory })
    const axb = createAxbService({ ...common, maxPairsPerX: AXB_PAIRS })
    const axe = createAxeService({ ...common, memory: storage.memory })
    const axyb = createAxybService(common)
    const apps = Object.fromEntries(MODES.map((mode) => [mode, appOf(mode)])) as Record<
      Mode,
      ReturnType<typeof appOf>
    >
    for (const mode of MODES) {
      await storage.apps.saveApp(apps[mode])
      await storage.numbers.save(
        Array.from({ length: NUMBERS }, (_, n) => ({
          number: virtual(mode, n),
          appKey: apps[mode].key,
          areaCode: '0755',
          province: '',
          status: 'normal' as const,
          smsCapable: false,
        })),
      )
    }
    const relation = await axyb.bind(apps.AXYB, {
      origNum: someone(A_OF_PAIRS),
      callDirection: 0,
      durationSec: 0,
      ybDurationSec: 0,
      recordFlag: false,
    })
    assert.ok(relation.ok)
    const plain = { recordFlag: false, callDirection: 0, maxDurationMin: 0, privateSms: true } as const

    const tries: Readonly<Record<(typeof MODES)[number], (n: number) => Promise<Outcome>>> = {
      AX: (n) =>
        ax.bind(apps.AX, {
          ...plain,
          origNum: someone(n * 7),
          privateNum: virtual('AX', n % NUMBERS),
          turnFlag: 'on',
        }),
      AXB: (n) =>
        axb.bind(apps.AXB, {
          ...plain,
          callerNum: someone(n * 7),
          // Never the caller itself.
          calleeNum: someone(n * 7 + 1 + (n % 399)),
          relationNum: virtual('AXB', n % NUMBERS),
          durationSec: 0,
        }),
      AXE: (n) =>
        axe.bind(apps.AXE, {
          bindNum: someone(n * 7),
          virtualNum: virtual('AXE', n % NUMBERS),
          recordFlag: false,
          ...(n % 3 === 0 && { extendNum: String(n % 10) }),
        }),
      AXYB: (n) =>
        n % 2 === 0
          ? axyb.bind(apps.AXYB, {
              origNum: someone(n * 7),
              callDirection: 0,
              durationSec: 0,
              ybDurationSec: 0,
              recordFlag: false,
            })
          : axyb.bindPair(apps.AXYB, {
              subscriptionId: relation.binding.id,
              origNum: someone((n * 11) % A_OF_PAIRS),
            }),
    }
    const count = BINDS[name]
    const outcomes = await Promise.all(
      MODES.flatMap((mode) =>
        Array.from({ length: count }, async (_, n) => [mode, await tries[mode](n)] as const),
      ),
    )

    assert.equal(outcomes.length, MODES.length * count)
    for (const mode of MODES) {
      const codes = outcomes.filter(([of]) => of === mode).map(([, o]) => (o.ok ? '0' : o.code))
      const odd = codes.filter((code) => !EXPECTED[mode].includes(code))
      assert.deepEqual([...new Set(odd)], [], mode)
      assert.ok(codes.includes('0') && codes.length > codes.filter((code) => code === '0').length, mode)
    }
    const made = outcomes.flatMap(([, o]) => (o.ok ? [o.binding ?? o.pair!] : []))
    assertRules([...made, relation.binding])
    for (const binding of made)
      assert.deepEqual((await store.findById(binding.id, NOW))?.id, binding.id, 'what was answered is there')
  })
})

type Outcome =
  | { readonly ok: true; readonly binding?: Binding; readonly pair?: AxybPair }
  | { readonly ok: false; readonly code: string }

/** Every rule of spec/numbers-and-rules.md section 3, over all bindings that were made. */
function assertRules(made: readonly Binding[]): void {
  const seen = new Set<string>()
  const once = (what: string): void => {
    assert.ok(!seen.has(what), `${what} twice`)
    seen.add(what)
  }
  const held = new Map<string, number>()
  const most = (what: string, limit: number): void => {
    const count = (held.get(what) ?? 0) + 1
    assert.ok(count <= limit, `${what}: ${count} of ${limit}`)
    held.set(what, count)
  }
  const asX = new Set<E164>()
  for (const binding of made) {
    const { mode, x, a } = binding
    switch (mode) {
      case 'AX':
        once(`${mode} ${x}`)
        most(`${mode} A ${a}`, 5)
        break
      case 'AXB':
        once(`${mode} ${x} ${a}`)
        once(`${mode} ${x} ${binding.b}`)
        most(`${mode} ${x}`, AXB_PAIRS)
        break
      case 'AXE':
        once(`${mode} ${x} ${a}`)
        once(`${mode} ${x} ext ${binding.extension}`)
        break
      case 'AXYB':
        once(`${mode} ${x}`)
        most(`${mode} A ${a}`, 5)
        asX.add(x)
        break
      case 'AXYB-PAIR':
        once(`${mode} ${binding.relationId} ${binding.b}`)
        once(`${mode} ${binding.y} ${a}`)
        most(`Y ${binding.y}`, 1000)
        break
      default:
        mode satisfies never
    }
  }
  for (const binding of made)
    if (binding.mode === 'AXYB-PAIR') assert.ok(!asX.has(binding.y), `${binding.y} is X and Y`)
}
