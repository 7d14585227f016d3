import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { labelOf, renderLadder, type LadderMessage } from './ladder.ts'

const CALLER = { label: 'Alice', addresses: ['192.0.2.1:5060'] }
const SERVER = { label: 'Maskline', addresses: ['192.0.2.2:5060', '192.0.2.2:5070'] }
const CALLEE = { label: 'Bob', addresses: ['192.0.2.3:5060'] }
const THREE = [CALLER, SERVER, CALLEE]

const send = (atMs: number, from: string, to: string, startLine: string): LadderMessage => ({
  atMs,
  from,
  to,
  startLine,
})
const CALL = [
  send(10_000, '192.0.2.1:5060', '192.0.2.2:5060', 'INVITE sip:+8617000000001@192.0.2.2 SIP/2.0'),
  send(10_004, '192.0.2.2:5070', '192.0.2.3:5060', 'INVITE sip:+8613800000022@192.0.2.3 SIP/2.0'),
  send(10_050, '192.0.2.3:5060', '192.0.2.2:5070', 'SIP/2.0 180 Ringing'),
  send(12_000, '192.0.2.2:5060', '192.0.2.1:5060', 'SIP/2.0 200 OK'),
  send(13_000, '192.0.2.1:5060', '192.0.2.2:5060', 'BYE sip:192.0.2.2:5060 SIP/2.0'),
]

test('draws an arrow for each message between the life lines', () => {
  assert.equal(
    renderLadder(CALL, THREE, { width: 70 }),
    [
      '          Alice                    Maskline                      Bob',
      '            │                          │                          │',
      '  0.000     │─ INVITE +8617000000001 ─▶│                          │',
      '  0.004     │                          │─ INVITE +8613800000022 ─▶│',
      '  0.050     │                          │◀─ 180 Ringing ───────────│',
      '  2.000     │◀─ 200 OK ────────────────│                          │',
      '  3.000     │─ BYE ───────────────────▶│                          │',
      '',
    ].join('\n'),
  )
})

test('an arrow crosses the lines between its ends', () => {
  const direct = [send(0, '192.0.2.3:5060', '192.0.2.1:5060', 'SIP/2.0 486 Busy Here')]
  const lines = renderLadder(direct, THREE, { width: 40, ascii: true }).split('\n')
  assert.match(lines[2] ?? '', /^ {2}0\.000 +\|<- 486 Busy Here -+\|$/)
})

test('ascii has 7-bit characters only', () => {
  const drawn = renderLadder(CALL, THREE, { width: 40, ascii: true })
  assert.ok(
    [...drawn].every((character) => character <= '~'),
    drawn,
  )
})

test('colours paint arrows without moving anything', () => {
  const plain = renderLadder(CALL, THREE, { width: 80 })
  const painted = renderLadder(CALL, THREE, { width: 80, colour: true })
  assert.equal(stripVTControlCharacters(painted), plain)
  assert.match(painted, /\u001b\[36m─ INVITE/)
  assert.match(painted, /\u001b\[33m◀─ 180/)
  assert.match(painted, /\u001b\[32m◀─ 200/)
})

for (const width of [20, 41, 60, 97, 120]) {
  test(`keeps every life line in its column at width ${width}`, () => {
    const lines = renderLadder(CALL, THREE, { width, ascii: true }).trimEnd().split('\n').slice(1)
    const columns = [...(lines[0] ?? '')].flatMap((character, i) => (character === '|' ? [i] : []))
    assert.equal(columns.length, 3)
    for (const line of lines) for (const column of columns) assert.equal(line[column], '|', line)
    if (width >= 60) for (const line of lines) assert.ok(line.length <= width)
  })
}

test('leaves out messages of strangers', () => {
  const strange = [send(0, '192.0.2.99:5060', '192.0.2.1:5060', 'OPTIONS sip:192.0.2.1 SIP/2.0')]
  assert.equal(renderLadder(strange, THREE), renderLadder([], THREE))
})

test('labels say the number of an INVITE, and method or status of the rest', () => {
  assert.equal(labelOf('INVITE tel:+8617000000001;phone-context=x SIP/2.0'), 'INVITE +8617000000001')
  assert.equal(labelOf('ACK sip:+8617000000001@192.0.2.2 SIP/2.0'), 'ACK')
  assert.equal(labelOf('SIP/2.0 200'), '200')
  assert.equal(labelOf('REGISTER sip:maskline.example SIP/2.0'), 'REGISTER')
})
