import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callerAnswerOf, q850OfStatus, releaseOfFailure } from './release-map.ts'

type Row = readonly [status: number, ringing: boolean, reason: number | undefined, code: number, q850: number]

/** spec/codes.md section 2.4, with the Q.850 values of section 3 where no Reason came. */
const ROWS: readonly Row[] = [
  // 7503 callee rejected
  [603, false, undefined, 7503, 21],
  [603, true, 21, 7503, 21],
  [403, true, 21, 7503, 21],
  [486, true, 21, 7503, 21],
  // 7504 call refused
  [403, false, undefined, 7504, 21],
  [403, true, undefined, 7504, 21],
  [403, false, 21, 7504, 21],
  [480, false, 21, 7504, 21],
  [480, true, 21, 7504, 21],
  [433, false, undefined, 7504, 21],
  [607, false, undefined, 7504, 21],
  [608, false, undefined, 7504, 21],
  // 8100 number does not exist
  [404, false, undefined, 8100, 1],
  [410, false, undefined, 8100, 22],
  [484, false, undefined, 8100, 28],
  [604, false, undefined, 8100, 1],
  [480, false, 1, 8100, 1],
  [503, false, 3, 8100, 3],
  [480, false, 22, 8100, 22],
  [500, false, 28, 8100, 28],
  // 8101 no answer
  [408, true, undefined, 8101, 102],
  [480, true, undefined, 8101, 19],
  [480, false, 18, 8101, 18],
  [503, false, 19, 8101, 19],
  [487, true, undefined, 8101, 19],
  // 8102 busy
  [486, false, undefined, 8102, 17],
  [600, true, undefined, 8102, 17],
  [480, false, 17, 8102, 17],
  [603, true, 17, 8102, 17],
  // 8103 cannot be reached
  [480, false, undefined, 8103, 18],
  [408, false, undefined, 8103, 102],
  [500, false, undefined, 8103, 41],
  [501, false, undefined, 8103, 79],
  [502, false, undefined, 8103, 38],
  [503, true, undefined, 8103, 41],
  [504, false, undefined, 8103, 102],
  [503, false, 20, 8103, 20],
  [480, false, 27, 8103, 27],
  [480, true, 34, 8103, 34],
  [486, false, 38, 8103, 38],
  [404, false, 41, 8103, 41],
  [480, false, 42, 8103, 42],
  // 8104 switched off
  [480, false, 20, 8104, 20],
  // a cause the table does not know leaves the code to the status, but is passed on
  [486, false, 31, 8102, 31],
  [480, true, 127, 8101, 127],
  // a cause that is none is ignored
  [486, false, 0, 8102, 17],
  [486, false, 128, 8102, 17],
  // statuses outside the table
  [302, false, undefined, 8103, 31],
  [420, false, undefined, 8103, 127],
]

describe('release of a failed forwarding', () => {
  for (const [status, ringing, reason, code, q850] of ROWS) {
    const when = `${status}${ringing ? ' after ringing' : ''}${reason === undefined ? '' : ` with cause ${reason}`}`
    it(`[codes.${code}.when] reads ${when} as ${code} with Q.850 ${q850}`, () => {
      const release = releaseOfFailure({
        status,
        ringing,
        ...(reason !== undefined && { q850FromReason: reason }),
      })
      assert.equal(release.releaseCode, code)
      assert.equal(release.q850, q850)
      assert.equal(release.sipStatus, status)
    })
  }

  it('reads the status of the carrier in its own table before that of a Reason beside it, and the Reason before the rest', () => {
    const failure = { status: 480, statusFromReason: 503, ringing: false }
    const codeBy = (byStatus: Record<number, number>): number =>
      releaseOfFailure(failure, { byStatus }).releaseCode
    assert.equal(codeBy({ 480: 8104, 503: 8105 }), 8104)
    assert.equal(codeBy({ 503: 8105 }), 8105)
    assert.equal(codeBy({ 486: 8105 }), 8103)
  })

  it('reads a caller who gave up as 7501 before and 7502 after ringing, never 0', () => {
    const gaveUp = { status: 487, weCancelled: 'caller' } as const
    assert.deepEqual(releaseOfFailure({ ...gaveUp, ringing: false }), {
      releaseCode: 7501,
      q850: 16,
      sipStatus: 487,
      sipStatusToCaller: 487,
      callerReason: 0,
    })
    assert.equal(releaseOfFailure({ ...gaveUp, ringing: true }).releaseCode, 7502)
  })

  it('[codes.8035.when] reads our own connection time-out as 8035 with timer expired', () => {
    assert.deepEqual(releaseOfFailure({ status: 487, ringing: true, weCancelled: 'timeout' }), {
      releaseCode: 8035,
      q850: 102,
      sipStatus: 487,
      sipStatusToCaller: 480,
      callerReason: 19,
    })
  })

  it('[codes.8105.when] lets a trunk say what its causes and statuses mean', () => {
    const overrides = { byCause: { 29: 8105, 20: 8103 }, byStatus: { 480: 8104 } }
    const codeOf = (status: number, q850FromReason?: number) =>
      releaseOfFailure({ status, ringing: false, ...(q850FromReason && { q850FromReason }) }, overrides)
        .releaseCode
    assert.equal(codeOf(503, 29), 8105)
    assert.equal(codeOf(480, 20), 8103)
    assert.equal(codeOf(480), 8104)
    assert.equal(codeOf(486), 8102)
  })
})

/** spec/codes.md section 3, second table. */
const Q850: Readonly<Record<number, readonly number[]>> = {
  41: [400, 481, 500, 503],
  21: [401, 402, 403, 407, 603],
  1: [404, 485, 604],
  63: [405],
  79: [406, 415, 501],
  102: [408, 504],
  22: [410],
  127: [413, 414, 416, 420, 421, 423, 505],
  25: [482, 483],
  28: [484],
  17: [486, 600],
  65: [488, 606],
  38: [502],
  31: [305, 422, 599, 699],
}

describe('Q.850 of a SIP status', () => {
  for (const [cause, statuses] of Object.entries(Q850)) {
    it(`is ${cause} for ${statuses.join(', ')}`, () => {
      for (const status of statuses) assert.equal(q850OfStatus(status, false), Number(cause), String(status))
    })
  }

  it('is 18 for 480 before ringing and 19 after', () => {
    assert.equal(q850OfStatus(480, false), 18)
    assert.equal(q850OfStatus(480, true), 19)
  })
})

/** spec/codes.md sections 2 and 5: release code, status towards the caller, cause with BYE. */
const ANSWERS: readonly (readonly [number, number, number])[] = [
  [8102, 486, 17],
  [8101, 480, 19],
  [8035, 480, 19],
  [8103, 480, 20],
  [8104, 480, 20],
  [8105, 480, 20],
  [7503, 603, 21],
  [7504, 603, 21],
  [8100, 404, 1],
  [8013, 404, 1],
  [8014, 404, 1],
  [8016, 403, 21],
  [8018, 403, 21],
  [8030, 404, 1],
  [8031, 503, 34],
  [7004, 403, 21],
  [7100, 403, 21],
  [7108, 403, 21],
  [8023, 403, 21],
  [8050, 403, 21],
  [522, 503, 34],
  [7109, 503, 34],
  [8020, 500, 41],
]

describe('answer to the caller', () => {
  for (const [code, status, reason] of ANSWERS) {
    it(`is ${status}, or BYE with cause ${reason}, for ${code}`, () => {
      assert.deepEqual(callerAnswerOf(code), { sipStatusToCaller: status, callerReason: reason })
    })
  }
})
