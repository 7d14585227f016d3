import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { XStatus } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { newApp, type App } from '../tenants/app.ts'
import { createAxybRouting } from './axyb-route.ts'
import { newPair } from './axyb.ts'
import type { Allocation } from './axyb-requests.ts'
import type { AxybBinding, AxybPair } from './binding.ts'
import type { Match, RouteDecision } from './route.ts'
import { createRouter } from './router.ts'

/** The rows of spec/axyb.md section 6 as far as routing decides them, by what the lookup of the call has found. */

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const C = '+8613800000023' as E164
const X = '+8617000000001' as E164
const Y = '+8617000000002' as E164
const FREE_Y = '+8617000000003' as E164
const FIXED = '+8675528000001' as E164

const app = newApp({
  key: 'demoKey',
  secret: 's',
  tenantId: 't',
  mode: 'AXYB',
  recordingEnabled: true,
  noBindingTone: 'no-binding.wav',
  noPermissionTone: 'no-permission.wav',
  exceptionTone: 'exception.wav',
})

const relation: AxybBinding = {
  mode: 'AXYB',
  id: 'relation-1',
  appKey: app.key,
  x: X,
  a: A,
  areaMatchMode: '0',
  callDirection: 0,
  durationSec: 0,
  ybDurationSec: 0,
  recordFlag: false,
  changedAt: 0,
}

type Case = {
  readonly from?: E164 | undefined
  readonly dialled: 'X' | 'Y'
  /** What the lookup finds: the pair of B, A-X as its A (`own`) or for anybody (`any`), or nothing. */
  readonly found: 'pair' | 'own' | 'any' | 'nothing'
  readonly settings?: Partial<AxybBinding>
  readonly preVoiceY?: string
  readonly app?: Partial<App>
  readonly x?: XStatus
  /** Whether the caller is a B of this Y. */
  readonly behindY?: boolean
  /** What a stranger is given; a pair on FREE_Y unless said. */
  readonly allocation?: Exclude<Allocation, { ok: true }>['reason']
}

async function route(given: Case): Promise<{ decision: RouteDecision; asked: readonly E164[] }> {
  const { dialled, found, settings, behindY = false, allocation } = given
  const from = 'from' in given ? given.from : found === 'pair' ? (dialled === 'X' ? B : A) : C
  const bound = { ...relation, ...settings }
  const pair = newPair(bound, { b: B, preVoiceY: given.preVoiceY }, Y, 'pair-1', 0)
  const matches: Record<Case['found'], Match | undefined> = {
    pair: { binding: pair, role: dialled === 'X' ? 'b' : 'a' },
    own: { binding: bound, role: 'a' },
    any: { binding: bound, role: 'b' },
    nothing: undefined,
  }
  const asked: E164[] = []
  const routing = createAxybRouting({
    isBehindY: async (y, party) => behindY && y === Y && party === from,
    async allocateY(of, caller, at): Promise<Allocation> {
      asked.push(caller)
      if (allocation) return { ok: false, reason: allocation }
      return { ok: true, pair: newPair(of, { b: caller }, FREE_Y, 'pair-2', at) as AxybPair }
    },
  })
  const number = dialled === 'X' ? X : Y
  const router = createRouter({
    routes: {
      lookup: async () => ({
        app: { ...app, ...given.app },
        xNumber: {
          number,
          appKey: app.key,
          areaCode: '0755',
          province: 'Guangdong',
          status: given.x ?? 'normal',
          smsCapable: true,
        },
        match: matches[found],
        xHasBindings: found !== 'nothing',
      }),
      isBehindY: async () => false,
    },
    memory: undefined as never,
    modes: { AXYB: routing },
    controls: { admit: () => undefined, check: () => undefined },
    log: silentLog,
  })
  return { decision: await router.route({ x: number, from, at: 0 }), asked }
}

const connected = async (given: Case) => {
  const { decision } = await route(given)
  return decision.kind === 'connect' ? decision : assert.fail(JSON.stringify(decision))
}
/** Code, SIP status and tone of the refusal, and whether a Y was asked for before. */
const refused = async (given: Case) => {
  const { decision, asked } = await route(given)
  if (decision.kind !== 'refuse') return assert.fail(decision.kind)
  assert.deepEqual(asked, given.allocation ? [C] : [])
  return [decision.releaseCode, decision.sipStatus, decision.tone]
}
const subjectOf = async (given: Case) => {
  const { subscriptionId, userData, direction, serviceType } = (await route(given)).decision.subject
  return { subscriptionId, userData, direction, serviceType }
}

const NO_PERMISSION = 'no-permission.wav'
const NO_BINDING = 'no-binding.wav'

/** Connections: who is called, and what the callee sees. */
const CONNECTS: readonly (readonly [row: string, Case, callee: E164, display: E164])[] = [
  ['axyb.call.bToX', { dialled: 'X', found: 'pair' }, A, Y],
  ['axyb.call.bToX', { dialled: 'X', found: 'pair', settings: { callDirection: 2 } }, A, Y],
  ['axyb.call.aToY', { dialled: 'Y', found: 'pair' }, B, X],
  ['axyb.call.aToY', { dialled: 'Y', found: 'pair', settings: { callDirection: 1 } }, B, X],
  ['axyb.call.stranger', { dialled: 'X', found: 'any' }, A, FREE_Y],
  ['axyb.call.stranger', { dialled: 'X', found: 'any', settings: { callDirection: 2 } }, A, FREE_Y],
  ['axyb.call.fixedCallee', { dialled: 'X', found: 'pair', settings: { a: FIXED } }, FIXED, Y],
  ['axyb.call.bindingFrozen', { dialled: 'X', found: 'pair', x: 'binding-frozen' }, A, Y],
]

/** Refusals: release code, SIP status, tone. */
const REFUSALS: readonly (readonly [row: string, Case, number, number, string])[] = [
  ['axyb.call.noY', { dialled: 'X', found: 'any', allocation: 'none-free' }, 8031, 503, 'exception.wav'],
  ['axyb.call.gone', { dialled: 'X', found: 'any', allocation: 'gone' }, 8030, 404, NO_BINDING],
  ['axyb.call.ownX', { dialled: 'X', found: 'own', from: A }, 8032, 403, NO_PERMISSION],
  ['axyb.call.ownX', { dialled: 'X', found: 'own', from: A, behindY: true }, 8032, 403, NO_PERMISSION],
  ['axyb.call.ownY', { dialled: 'Y', found: 'nothing', from: B, behindY: true }, 8032, 403, NO_PERMISSION],
  ['axyb.call.strangerToY', { dialled: 'Y', found: 'nothing' }, 8030, 404, NO_BINDING],
  ['axyb.call.strangerToY', { dialled: 'Y', found: 'nothing', from: undefined }, 8030, 404, NO_BINDING],
  ['axyb.call.freeX', { dialled: 'X', found: 'nothing' }, 8030, 404, NO_BINDING],
  ['axyb.call.anonymous', { dialled: 'X', found: 'any', from: undefined }, 8030, 404, NO_BINDING],
  [
    'axyb.call.direction',
    { dialled: 'X', found: 'pair', settings: { callDirection: 1 } },
    8016,
    403,
    NO_PERMISSION,
  ],
  [
    'axyb.call.direction',
    { dialled: 'Y', found: 'pair', settings: { callDirection: 2 } },
    8016,
    403,
    NO_PERMISSION,
  ],
  [
    'axyb.call.directionStranger',
    { dialled: 'X', found: 'any', settings: { callDirection: 1 } },
    8016,
    403,
    NO_PERMISSION,
  ],
  ['axyb.call.fixedCaller', { dialled: 'X', found: 'pair', from: FIXED }, 8023, 403, NO_PERMISSION],
  ['axyb.call.fixedCaller', { dialled: 'X', found: 'any', from: FIXED }, 8023, 403, NO_PERMISSION],
  [
    'axyb.call.barred',
    { dialled: 'X', found: 'pair', app: { status: 'suspended' } },
    8018,
    403,
    'exception.wav',
  ],
  [
    'axyb.call.barred',
    { dialled: 'Y', found: 'pair', app: { accountStatus: 'frozen' } },
    7108,
    403,
    'exception.wav',
  ],
  ['axyb.call.unusableNumber', { dialled: 'X', found: 'any', x: 'unusable' }, 8055, 403, NO_PERMISSION],
  ['axyb.call.unusableNumber', { dialled: 'Y', found: 'pair', x: 'suspended' }, 8055, 403, NO_PERMISSION],
]

describe('AXYB routing (spec/axyb.md section 6)', () => {
  for (const [row, given, callee, display] of CONNECTS) {
    it(`[${row}] ${JSON.stringify(given)} connects`, async () => {
      const decision = await connected(given)
      assert.deepEqual([decision.callee, decision.display], [callee, display])
    })
  }
  for (const [row, given, code, status, tone] of REFUSALS) {
    it(`[${row}] ${JSON.stringify(given)} is ${code}`, async () =>
      assert.deepEqual(await refused(given), [code, status, tone]))
  }

  it('[axyb.tone.preVoiceY] [axyb.tone.preVoiceX] [axyb.tone.beep] the caller hears the file of his side, or the beep', async () => {
    const voices = { settings: { preVoiceX: 'x.wav' }, preVoiceY: 'y.wav', found: 'pair' } as const
    assert.equal((await connected({ ...voices, dialled: 'X' })).waitingTone, 'y.wav')
    assert.equal((await connected({ ...voices, dialled: 'Y' })).waitingTone, 'x.wav')
    for (const dialled of ['X', 'Y'] as const)
      assert.equal((await connected({ dialled, found: 'pair' })).waitingTone, 'waiting_beep.wav')
    const stranger = await connected({ dialled: 'X', found: 'any', settings: { preVoiceX: 'x.wav' } })
    assert.equal(stranger.waitingTone, 'waiting_beep.wav')
  })

  it('[axyb.tone.app] a tone of the app that is not set is not played', async () => {
    const untuned = { noBindingTone: undefined, noPermissionTone: undefined, exceptionTone: undefined }
    assert.deepEqual(await refused({ dialled: 'Y', found: 'nothing', app: untuned }), [8030, 404, undefined])
    assert.deepEqual(await refused({ dialled: 'X', found: 'own', from: A, app: untuned }), [
      8032,
      403,
      undefined,
    ])
  })

  it('[axyb.call.recording] A-X and the app say whether calls are recorded, for every pair and both ways', async () => {
    const settings = { recordFlag: true, recordHintTone: 'hint.wav' }
    for (const given of [
      { dialled: 'X', found: 'pair' },
      { dialled: 'Y', found: 'pair' },
      { dialled: 'X', found: 'any' },
    ] as const) {
      assert.deepEqual((await connected({ ...given, settings })).recording, { hintTone: 'hint.wav' })
      assert.deepEqual((await connected({ ...given, settings: { recordFlag: true } })).recording, {})
      assert.equal((await connected(given)).recording, undefined)
      const off = { ...given, settings, app: { recordingEnabled: false } }
      assert.equal((await connected(off)).recording, undefined)
    }
  })

  it('[axyb.call.noLimit] there is no longest call and no last-minute prompt', async () => {
    const { maxDurationMin, lastMinVoice } = await connected({ dialled: 'X', found: 'pair' })
    assert.deepEqual([maxDurationMin, lastMinVoice], [0, undefined])
  })

  it('[axyb.call.subject] calls belong to the relation: its id, user data, 006; direction 1 if A calls, 0 if A is called, 2 without relation', async () => {
    const of = { subscriptionId: 'relation-1', userData: 'order-7', serviceType: '006' }
    const settings = { userData: 'order-7' }
    assert.deepEqual(await subjectOf({ dialled: 'X', found: 'pair', settings }), { ...of, direction: 0 })
    assert.deepEqual(await subjectOf({ dialled: 'Y', found: 'pair', settings }), { ...of, direction: 1 })
    assert.deepEqual(await subjectOf({ dialled: 'X', found: 'any', settings }), { ...of, direction: 0 })
    assert.deepEqual(await subjectOf({ dialled: 'X', found: 'own', from: A, settings }), {
      ...of,
      direction: 1,
    })
    const none = { subscriptionId: undefined, userData: undefined, direction: 2, serviceType: '006' }
    assert.deepEqual(await subjectOf({ dialled: 'Y', found: 'nothing', settings }), none)
    assert.deepEqual(await subjectOf({ dialled: 'X', found: 'any', from: undefined, settings }), none)
  })
})
