import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { Storage } from '../storage/index.ts'
import { type App, newApp } from '../tenants/app.ts'
import { eachEngine } from '../testkit/engines.ts'
import type { AxeBindRequest, AxeService } from './axe-requests.ts'
import { createAxeRouting } from './axe-route.ts'
import { createAxeService } from './axe-service.ts'
import type { Collect, Connect, Refuse, RouteDecision, Router } from './route.ts'
import { createRouter } from './router.ts'

/** spec/axe.md section 7 through the platform's router on a real store: what routing decides of a call. */

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const C = '+8613800000023' as E164
const FIXED = '+8675528000001' as E164
const HOTLINE = '+8675528000009' as E164
const X = '+8617000000001' as E164
const X2 = '+8617000000002' as E164
const UNKNOWN_X = '+8617000000099' as E164
const START = Date.UTC(2026, 0, 24, 2, 30)
const HOUR = 3_600_000

eachEngine(({ open }) => {
  let storage: Storage
  let axe: AxeService
  let router: Router
  let now = START
  const clock: Clock = { now: () => now, setTimer: () => ({ cancel() {} }) }

  const appOf = (changes: Partial<App> = {}): App =>
    newApp({ key: 'demoKey', secret: 's', tenantId: 't', mode: 'AXE', recordingEnabled: true, ...changes })
  const xNumber = (number: E164, changes: Partial<XNumber> = {}): XNumber => ({
    number,
    appKey: 'demoKey',
    areaCode: '0755',
    province: 'Guangdong',
    status: 'normal',
    smsCapable: true,
    ...changes,
  })

  before(async () => {
    storage = await open({ clock })
    const areas = areasBy(
      () => undefined,
      () => undefined,
    )
    axe = createAxeService({ store: storage.bindings, memory: storage.memory, clock, areas })
    router = createRouter({
      routes: storage.routes,
      memory: storage.memory,
      modes: { AXE: createAxeRouting({ bindings: storage.bindings, memory: storage.memory, clock }) },
      controls: { admit: () => undefined, check: () => undefined },
      log: silentLog,
    })
  })
  after(() => storage.close())

  const use = (changes: Partial<App> = {}) => storage.apps.saveApp(appOf(changes))
  beforeEach(async () => {
    now = START
    for (const { number } of await storage.numbers.list('demoKey')) await storage.numbers.remove(number)
    await use()
    await storage.numbers.save([xNumber(X), xNumber(X2)])
  })

  async function bind(changes: Partial<AxeBindRequest> = {}, app: Partial<App> = {}) {
    await use(app)
    const outcome = await axe.bind(appOf(app), {
      bindNum: A,
      virtualNum: X,
      recordFlag: false,
      ...changes,
    })
    assert.ok(outcome.ok, JSON.stringify(outcome))
    return outcome.binding
  }

  const route = (from: E164 | undefined, x = X) => router.route({ x, from, at: now })
  /** Dials X and keys digits: what comes of them. */
  async function keyed(from: E164 | undefined, digits: string, x = X, privacy: { withheld?: true } = {}) {
    const arrival = { x, from, at: now, ...privacy }
    return router.digits(arrival, await collected(from, x), digits)
  }
  async function collected(from: E164 | undefined, x = X): Promise<Collect> {
    const decision = await route(from, x)
    assert.equal(decision.kind, 'collect')
    return decision as Collect
  }
  function connected(decision: RouteDecision | { readonly kind: 'wrong' }): Connect {
    assert.equal(decision.kind, 'connect')
    return decision as Connect
  }
  function refusedWith(decision: RouteDecision | { readonly kind: 'wrong' }): Refuse {
    assert.equal(decision.kind, 'refuse')
    return decision as Refuse
  }
  /** A call from B that reached A: its record is written as `calls/` writes it, when the leg to A starts. */
  async function forwarded(from: E164 | undefined, digits: string): Promise<Connect> {
    const connect = connected(await keyed(from, digits))
    await router.note(connect.memos?.forwarded ?? [], now)
    return connect
  }

  describe('AXE: someone dials X', () => {
    test('[axe.call.prompt] [axe.call.length] [axe.call.timers] [axe.call.attempts.default] asks for the extension of the app’s length', async () => {
      await bind()
      const asked = await collected(B)
      const { subject: _s, wrongEnd: _w, emptyEnd: _e, ...rest } = asked
      assert.deepEqual(rest, {
        kind: 'collect',
        prompt: 'extension_prompt.wav',
        length: 4,
        attempts: 3,
        firstDigitMs: 10_000,
        interDigitMs: 5_000,
      })
    })

    test('[axe.call.subject.collect] [axe.call.callin.no-subscriptionId] before the extension no binding is known', async () => {
      await bind({ userData: 'u' })
      const { subject } = await collected(B)
      const { app, ...rest } = subject
      assert.equal(app?.key, 'demoKey')
      assert.deepEqual(rest, { direction: 2, serviceType: '005' })
    })

    test('[axe.call.x-without-binding] an X without any binding asks just the same', async () => {
      await bind()
      assert.deepEqual(await route(B, X2), await route(B, X))
      assert.deepEqual(await keyed(B, '0001', X2), { kind: 'wrong' })
    })

    for (const [length, digits] of [
      [1, '1'],
      [2, '01'],
      [3, '001'],
      [4, '0001'],
    ] as const) {
      test(`[axe.call.length] ${length} digits when the app says so`, async () => {
        const axeSettings = { axe: { extensionLength: length } }
        const binding = await bind({}, axeSettings)
        assert.equal(binding.extension, digits)
        assert.equal((await collected(B)).length, length)
        assert.equal(connected(await keyed(B, digits)).callee, A)
      })
    }

    for (const [repeatCount, attempts] of [
      [0, 1],
      [1, 2],
      [3, 4],
    ] as const) {
      test(`[axe.call.attempts] ${repeatCount} repetitions are ${attempts} attempts`, async () => {
        await use({ axe: { repeatCount } })
        assert.equal((await collected(B)).attempts, attempts)
      })
    }

    test('[axe.call.tone.prompt] [axe.call.tone.wrong] [axe.call.tone.wrong-end] [axe.call.tone.empty-end] the tones are the app’s', async () => {
      const axeSettings = {
        promptTone: 'p.wav',
        wrongTone: 'w.wav',
        wrongEndTone: 'we.wav',
        emptyEndTone: 'ee.wav',
      }
      await use({ axe: axeSettings })
      const { prompt, wrongTone, wrongEnd, emptyEnd } = await collected(B)
      assert.deepEqual(
        [prompt, wrongTone, wrongEnd.tone, emptyEnd.tone],
        ['p.wav', 'w.wav', 'we.wav', 'ee.wav'],
      )
    })

    test('[axe.call.tone.wrong.default] [axe.call.tone.wrong-end.default] [axe.call.tone.empty-end.default] unset: the prompt again, no end tone, the wrong-end tone', async () => {
      await use({ axe: {} })
      const bare = await collected(B)
      assert.deepEqual(
        [bare.wrongTone, bare.wrongEnd.tone, bare.emptyEnd.tone],
        [undefined, undefined, undefined],
      )
      await use()
      const fresh = await collected(B)
      assert.deepEqual(
        [fresh.wrongTone, fresh.wrongEnd.tone, fresh.emptyEnd.tone],
        [undefined, 'extension_wrong_end.wav', 'extension_wrong_end.wav'],
      )
    })

    test('[axe.call.wrong-end] [axe.call.empty-end] [axe.call.cdr.extendNum.unbound] used up: 8022 after wrong digits, 8033 after none', async () => {
      const { wrongEnd, emptyEnd, subject } = await collected(B)
      assert.deepEqual([wrongEnd.releaseCode, wrongEnd.sipStatus], [8022, 404])
      assert.deepEqual([emptyEnd.releaseCode, emptyEnd.sipStatus], [8033, 404])
      assert.deepEqual([wrongEnd.subject, emptyEnd.subject], [subject, subject])
    })

    test('[axe.call.unknown-x] an X that is not ours ends with 8025', async () => {
      assert.equal(refusedWith(await route(B, UNKNOWN_X)).releaseCode, 8025)
    })

    test('[axe.call.fixed-caller] a fixed line is refused with 8023, unless the app allows it', async () => {
      await bind()
      assert.equal(refusedWith(await route(FIXED)).releaseCode, 8023)
      await use({ allowFixedLineCaller: true })
      assert.equal((await route(FIXED)).kind, 'collect')
    })
  })

  describe('AXE: the extension was keyed', () => {
    test('[axe.call.connect-a] [axe.call.display.x] connects A, who sees X', async () => {
      await bind()
      await bind({ bindNum: C })
      const connect = connected(await keyed(B, '0002'))
      assert.deepEqual([connect.callee, connect.display], [C, X])
    })

    test('[axe.call.subject.connect] [axe.call.cdr.extendNum] [axe.call.cdr.direction.called] [axe.call.cdr.serviceType] the call belongs to the binding of the extension', async () => {
      const { id } = await bind({ userData: 'order-7' })
      const { app: _a, ...subject } = connected(await keyed(B, '0001')).subject
      assert.deepEqual(subject, {
        subscriptionId: id,
        userData: 'order-7',
        extension: '0001',
        direction: 0,
        serviceType: '005',
      })
    })

    test('[axe.model.no-max-duration] there is no longest call and no last-minute tone', async () => {
      await bind()
      const connect = connected(await keyed(B, '0001'))
      assert.deepEqual([connect.maxDurationMin, connect.lastMinVoice], [0, undefined])
    })

    test('[axe.call.concurrent] calls to different extensions, and to one, run at once', async () => {
      await bind()
      assert.equal(connected(await keyed(B, '0001')).exclusive, undefined)
    })

    test('[axe.call.digits.short] [axe.call.digits.unbound] [axe.call.digits.leading-zeros] other digits are a wrong extension', async () => {
      await bind()
      for (const digits of ['1', '01', '001', '0002', '1000', '0000', '00001', '*001'])
        assert.deepEqual(await keyed(B, digits), { kind: 'wrong' }, digits)
    })

    test('[axe.call.other-x] an extension counts on its own X', async () => {
      await bind({ extendNum: '0009' })
      assert.deepEqual(await keyed(B, '0009', X2), { kind: 'wrong' })
    })

    test('[axe.call.digits.expired] [axe.call.digits.unbound-meanwhile] a binding that has gone while the caller keyed is wrong', async () => {
      const { id } = await bind({ bindExpiredTime: 1 })
      const arrival = { x: X, from: B, at: now }
      const asked = await collected(B)
      now += HOUR
      assert.deepEqual(await router.digits(arrival, asked, '0001'), { kind: 'wrong' })
      now = START
      await axe.unbind(appOf(), { subscriptionId: id })
      assert.deepEqual(await router.digits(arrival, asked, '0001'), { kind: 'wrong' })
    })

    test('[axe.call.waiting-tone] [axe.model.waiting-tone-app] the waiting tone is the app’s', async () => {
      await bind({}, { axe: { waitingTone: 'wait.wav' } })
      assert.equal(connected(await keyed(B, '0001')).waitingTone, 'wait.wav')
      await use()
      assert.equal(connected(await keyed(B, '0001')).waitingTone, undefined)
    })

    test('[axe.call.display.real] displayNumMode 1 shows the real caller while the app may', async () => {
      await bind({ displayNumMode: '1' }, { realCallerDisplay: true })
      assert.equal(connected(await keyed(B, '0001')).display, B)
      assert.equal(connected(await keyed(undefined, '0001')).display, X)
      await use({ realCallerDisplay: false })
      assert.equal(connected(await keyed(B, '0001')).display, X)
    })

    test('[axe.call.recording] records when binding and app say so, with the hint', async () => {
      await bind({ recordFlag: true, recordHintTone: 'hint.wav' })
      assert.deepEqual(connected(await keyed(B, '0001')).recording, { hintTone: 'hint.wav' })
      await use({ recordingEnabled: false })
      assert.equal(connected(await keyed(B, '0001')).recording, undefined)
      await bind({ bindNum: C, recordFlag: true })
      assert.deepEqual(connected(await keyed(B, '0002')).recording, {})
    })

    test('[axe.call.fixed-a] A may be a fixed line: others reach it', async () => {
      await bind({ bindNum: FIXED })
      assert.equal(connected(await keyed(B, '0001')).callee, FIXED)
    })
  })

  describe('AXE: the call-back record', () => {
    test('[axe.call.record.written] [axe.call.callback.record] [axe.call.callback.no-prompt] A reaches who called last, who sees X', async () => {
      await bind()
      await forwarded(B, '0001')
      const back = connected(await route(A))
      assert.deepEqual([back.callee, back.display], [B, X])
    })

    test('[axe.call.record.outcome] it is written when the leg to A starts, whatever becomes of the call', async () => {
      const { id } = await bind()
      const { memos } = connected(await keyed(B, '0001'))
      assert.equal(memos?.answered, undefined)
      assert.deepEqual(memos?.forwarded, [
        { do: 'remember', bindingId: id, kind: 'callback', value: { caller: B }, lifeMs: 168 * HOUR },
      ])
    })

    test('[axe.call.record.per-a] each A on X has its own', async () => {
      await bind()
      await bind({ bindNum: C })
      await forwarded(B, '0001')
      assert.equal(connected(await route(A)).callee, B)
      assert.equal(refusedWith(await route(C)).releaseCode, 8019)
    })

    test('[axe.call.record.latest] [axe.call.record.restart] another caller overwrites it and restarts its life', async () => {
      await bind({ callbackExpiredTime: 10 })
      await forwarded(B, '0001')
      now += 6 * HOUR
      await forwarded('+8613800000031' as E164, '0001')
      now += 6 * HOUR
      assert.equal(connected(await route(A)).callee, '+8613800000031')
      now += 4 * HOUR
      assert.equal(refusedWith(await route(A)).releaseCode, 8019)
    })

    for (const [what, settings, lifeMs] of [
      ['hours', { callbackExpiredTime: 2 }, 2 * HOUR],
      ['minutes', { timeUnit: '1', callbackExpiredTime: 30 }, HOUR / 2],
      ['168 hours when absent', {}, 168 * HOUR],
    ] as const) {
      test(`[axe.call.record.life] [axe.bind.callbackExpiredTime] [axe.bind.callbackExpiredTime.default] it lives ${what}`, async () => {
        await bind(settings)
        await forwarded(B, '0001')
        now = START + lifeMs - 1
        assert.equal(connected(await route(A)).callee, B)
        now += 1
        assert.equal(refusedWith(await route(A)).releaseCode, 8019)
      })
    }

    test('[axe.bind.callbackExpiredTime.zero] 0: as long as the binding', async () => {
      await bind({ callbackExpiredTime: 0, bindExpiredTime: 720 })
      await forwarded(B, '0001')
      now += 720 * HOUR - 1
      assert.equal(connected(await route(A)).callee, B)
      now += 1
      assert.equal((await route(A)).kind, 'collect')
    })

    test('[axe.call.record.not-by-a] A’s own call does not refresh it', async () => {
      await bind({ callbackExpiredTime: 10 })
      await forwarded(B, '0001')
      now += 9 * HOUR
      const back = connected(await route(A))
      assert.equal(back.memos, undefined)
      now += HOUR
      assert.equal(refusedWith(await route(A)).releaseCode, 8019)
    })

    test('[axe.call.record.hidden] a hidden number is connected and leaves the record as it was', async () => {
      await bind()
      await forwarded(B, '0001')
      const hidden = await forwarded(undefined, '0001')
      assert.deepEqual([hidden.callee, hidden.memos], [A, undefined])
      assert.equal(connected(await route(A)).callee, B)
    })

    test('[axe.call.record.hidden] [axe.call.display.real] so it is with a number that is told to us alone: A sees X', async () => {
      await bind({ displayNumMode: '1' }, { realCallerDisplay: true })
      const hidden = connected(await keyed(B, '0001', X, { withheld: true }))
      assert.deepEqual([hidden.callee, hidden.display, hidden.memos], [A, X, undefined])
    })

    test('[axe.call.record.unbound] a call that is forwarded as A unbinds leaves nothing behind', async () => {
      const { id } = await bind()
      const { memos } = connected(await keyed(B, '0001'))
      await axe.unbind(appOf(), { subscriptionId: id })
      await router.note(memos!.forwarded!, now)
      await bind()
      assert.equal(refusedWith(await route(A)).releaseCode, 8019)
    })
  })

  describe('AXE: A dials X without a record', () => {
    type Row = {
      readonly rows: string
      readonly what: string
      readonly bind?: Partial<AxeBindRequest>
      readonly app?: Partial<App>
      readonly callee?: E164
      readonly tone?: string
    }
    const ROWS: readonly Row[] = [
      {
        rows: '[axe.call.callback.number]',
        what: 'the number of the binding',
        bind: { callbackNum: C },
        callee: C,
      },
      {
        rows: '[axe.call.callback.number]',
        what: 'which goes before the app',
        bind: { callbackNum: C },
        app: { axe: { noCallbackNumber: HOTLINE, noCallbackTone: 'app.wav' } },
        callee: C,
      },
      {
        rows: '[axe.call.callback.tone]',
        what: 'the tone of the binding',
        bind: { callbackTone: 'mine.wav' },
        tone: 'mine.wav',
      },
      {
        rows: '[axe.call.callback.tone]',
        what: 'which goes before the app',
        bind: { callbackTone: 'mine.wav' },
        app: { axe: { noCallbackNumber: HOTLINE, noCallbackTone: 'app.wav' } },
        tone: 'mine.wav',
      },
      {
        rows: '[axe.call.callback.app-number]',
        what: 'the number of the app',
        app: { axe: { noCallbackNumber: HOTLINE } },
        callee: HOTLINE,
      },
      {
        rows: '[axe.call.callback.app-number]',
        what: 'which goes before its tone',
        app: { axe: { noCallbackNumber: HOTLINE, noCallbackTone: 'app.wav' } },
        callee: HOTLINE,
      },
      {
        rows: '[axe.call.callback.app-tone]',
        what: 'the tone of the app',
        app: { axe: { noCallbackTone: 'app.wav' } },
        tone: 'app.wav',
      },
      { rows: '[axe.call.callback.none]', what: 'nothing: the call ends without a tone' },
    ]
    for (const { rows, what, callee, tone, ...given } of ROWS) {
      test(`${rows} ${what}`, async () => {
        await bind(given.bind, given.app)
        const decision = await route(A)
        if (callee !== undefined) {
          const connect = connected(decision)
          assert.deepEqual([connect.callee, connect.display], [callee, X])
          return
        }
        const refuse = refusedWith(decision)
        assert.deepEqual([refuse.releaseCode, refuse.sipStatus, refuse.tone], [8019, 404, tone])
      })
    }

    test('[axe.call.callback.modified] both after two modifies: the number goes first', async () => {
      const { id } = await bind({ callbackTone: 'mine.wav' })
      await axe.modify(appOf(), { subscriptionId: id, callbackNum: C })
      assert.equal(connected(await route(A)).callee, C)
      await axe.modify(appOf(), { subscriptionId: id, callbackNum: '' })
      assert.equal(refusedWith(await route(A)).tone, 'mine.wav')
      await axe.modify(appOf(), { subscriptionId: id, callbackTone: '' })
      assert.equal(refusedWith(await route(A)).tone, undefined)
    })

    test('[axe.call.callback.subject] [axe.call.cdr.direction.calls] [axe.call.cdr.extendNum] the call is A’s own, with A’s extension, recorded, without a waiting tone', async () => {
      const { id } = await bind(
        { callbackNum: C, recordFlag: true, userData: 'u' },
        { axe: { waitingTone: 'wait.wav' } },
      )
      const { subject, waitingTone, recording } = connected(await route(A))
      const { app: _a, ...rest } = subject
      assert.deepEqual(rest, {
        subscriptionId: id,
        userData: 'u',
        extension: '0001',
        direction: 1,
        serviceType: '005',
      })
      assert.deepEqual([waitingTone, recording], [undefined, {}])
    })

    test('[axe.call.callback.fixed-a] an A on a fixed line is refused with 8023', async () => {
      await bind({ bindNum: FIXED, callbackNum: C })
      assert.equal(refusedWith(await route(FIXED)).releaseCode, 8023)
    })

    test('[axe.call.callback.expired] after the binding’s end A is a stranger like any other', async () => {
      await bind({ bindExpiredTime: 1, callbackNum: C })
      now += HOUR
      assert.equal((await route(A)).kind, 'collect')
    })

    test('[axe.call.callback.other-x] on another X A is a stranger', async () => {
      await bind()
      await bind({ bindNum: C, virtualNum: X2 })
      const decision = await keyed(A, '0001', X2)
      assert.equal(connected(decision).callee, C)
    })
  })
})
