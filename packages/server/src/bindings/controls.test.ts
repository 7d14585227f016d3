import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { E164 } from '../shared/e164.ts'
import { type CapKind, type Controls, newApp } from '../tenants/app.ts'
import { createControls } from './controls.ts'
import type { Arrival, Connect } from './route.ts'

const A = '+8613800000021' as E164
const B = '+8613800000022' as E164
const C = '+8613800000023' as E164
const X = '+8617000000001' as E164
/** 2026-01-24 02:30:00 UTC, 10:30 in Shanghai. */
const T0 = Date.UTC(2026, 0, 24, 2, 30)
const MINUTE = 60_000
const HOUR = 60 * MINUTE

type Given = {
  from?: E164 | 'anonymous'
  x?: E164
  callee?: E164
  display?: E164
  at?: number
  key?: string
  tenantId?: string
}

/** The release codes of calls that meet the same controls one after the other; 0 = passed. */
function outcomes(settings: Controls | undefined, ...calls: readonly Given[]): number[] {
  const controls = createControls({ countryCodes: ['86', '852'] })
  return calls.map(({ from = A, x = X, callee = B, display = X, at = T0, key = 'k', tenantId = 't' }) => {
    const app = newApp({
      key,
      secret: 's',
      tenantId,
      mode: 'AXB',
      noPermissionTone: 'no.wav',
      ...(settings && { controls: settings }),
    })
    const arrival: Arrival = { x, from: from === 'anonymous' ? undefined : from, at }
    const connect: Connect = {
      kind: 'connect',
      subject: { app, direction: 1, serviceType: '004' },
      callee,
      display,
      maxDurationMin: 0,
    }
    const refusal = controls.admit(arrival, connect.subject) ?? controls.check(arrival, connect)
    if (refusal !== undefined) assert.deepEqual([refusal.sipStatus, refusal.tone], [403, 'no.wav'])
    return refusal?.releaseCode ?? 0
  })
}

test('without controls every call within the countries passes', () => {
  assert.deepEqual(
    outcomes(undefined, {}, { from: 'anonymous' }, { callee: '+85221234567' as E164 }),
    [0, 0, 0],
  )
})

test('[control.8042] [control.8043] calls from and to other countries are refused', () => {
  assert.deepEqual(
    outcomes(undefined, { from: '+12025550123' as E164 }, { callee: '+12025550123' as E164 }),
    [8042, 8043],
  )
})

test('no call leaves to an emergency or short number, whatever led there; service numbers are called', () => {
  const calls = ['+86110', '+86120', '+8612345', '+864001234567', '+8695588'].map((callee) => ({
    callee: callee as E164,
  }))
  assert.deepEqual(outcomes(undefined, ...calls), [8100, 8100, 8100, 0, 0])
})

test('[control.7004] [control.7005] black lists refuse callees and callers', () => {
  const lists = { blockedCallees: [B], blockedCallers: [A] }
  assert.deepEqual(
    outcomes(
      lists,
      { from: C },
      { from: A, callee: C },
      { from: C, callee: A },
      { from: 'anonymous', callee: C },
    ),
    [7004, 7005, 0, 0],
  )
})

test('[control.8050] outside the hours calls are refused, in the zone of the app, over midnight too', () => {
  const at = (hour: number) => ({ at: Date.UTC(2026, 0, 24, hour - 8) })
  const day = {
    hours: [
      { from: '09:00', to: '12:00' },
      { from: '14:00', to: '18:00' },
    ],
  }
  assert.deepEqual(
    outcomes(day, at(8), at(9), at(12), at(13), at(14), at(17), at(18)),
    [8050, 0, 8050, 8050, 0, 0, 8050],
  )
  const night = { hours: [{ from: '22:00', to: '06:00' }] }
  assert.deepEqual(outcomes(night, at(21), at(22), at(23), at(24), at(5), at(6)), [8050, 0, 0, 0, 0, 8050])
  assert.deepEqual(outcomes({ hours: [{ from: '02:00', to: '03:00' }], zone: 'UTC' }, {}), [0])
  assert.deepEqual(outcomes({ hours: [{ from: '00:00', to: '00:00' }] }, at(3), at(15)), [0, 0])
})

const others: Readonly<Record<CapKind, Given>> = {
  account: { tenantId: 'other' },
  app: { key: 'other' },
  display: { display: C },
  caller: { from: C },
  callee: { callee: C },
  dialled: { x: C },
}
const codes: Readonly<Record<CapKind, number>> = {
  account: 7001,
  app: 7002,
  display: 7003,
  caller: 8047,
  callee: 8048,
  dialled: 8049,
}

for (const kind of Object.keys(codes) as CapKind[]) {
  test(`[control.${codes[kind]}] a cap by ${kind} refuses the call that is one too many, and no other's`, () => {
    const perMinute = { caps: { [kind]: { perMinute: 2 } } }
    assert.deepEqual(
      outcomes(
        perMinute,
        {},
        {},
        {},
        others[kind],
        { at: T0 + MINUTE },
        { at: T0 + MINUTE },
        { at: T0 + MINUTE },
      ),
      [0, 0, codes[kind], 0, 0, 0, codes[kind]],
    )
    const perDay = { caps: { [kind]: { perDay: 1 } } }
    assert.deepEqual(outcomes(perDay, {}, { at: T0 + HOUR }, { at: T0 + 22 * HOUR }), [0, codes[kind], 0])
  })
}

test('a call that one cap refuses does not count towards another', () => {
  const caps = { caller: { perMinute: 1 }, app: { perMinute: 2 } }
  assert.deepEqual(
    outcomes({ caps }, {}, {}, {}, { from: C }, { from: B, callee: C }),
    [0, 8047, 8047, 0, 7002],
  )
})
