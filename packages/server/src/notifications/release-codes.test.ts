import assert from 'node:assert/strict'
import { it } from 'node:test'
import { stateDesc } from './release-codes.ts'

/** spec/codes.md section 2.9, row by row. */
const TEXTS: readonly (readonly [number, string])[] = [
  [0, 'The user releases the call.'],
  [7501, 'The caller releases the call before ringing.'],
  [7502, 'The caller releases the call after ringing.'],
  [7503, 'The callee rejects the call.'],
  [7504, 'The call is rejected.'],
  [7516, 'The caller releases the call before forwarding.'],
  [8010, 'The maximum call duration is reached.'],
  [8013, 'Invalid AX call.'],
  [8014, 'Invalid AXB call.'],
  [8016, 'The call direction is not allowed.'],
  [8017, 'The call is released by the application.'],
  [8018, 'No service permission.'],
  [8019, 'The callback record does not exist.'],
  [8022, 'The binding does not exist or has expired.'],
  [8025, 'The called virtual number does not exist.'],
  [8030, 'The AXYB binding does not exist.'],
  [8031, 'Failed to allocate a Y number.'],
  [8032, 'The user calls its own virtual number.'],
  [8033, 'The extension number is empty.'],
  [8035, 'The call connection times out.'],
  [8100, 'The callee number does not exist.'],
  [8101, 'The callee does not answer.'],
  [8102, 'The callee is busy.'],
  [8103, 'The callee cannot be reached.'],
  [8104, 'The callee is powered off.'],
  [8105, 'The callee is out of service.'],
  [8020, 'Call failed.'],
  [7108, 'Call failed.'],
]

for (const [code, text] of TEXTS) {
  it(`says "${text}" for ${code}`, () => {
    assert.equal(stateDesc(code), text)
  })
}

it('needs no escaping in JSON', () => {
  for (const [code] of TEXTS) assert.equal(JSON.stringify(stateDesc(code)), `"${stateDesc(code)}"`)
})
