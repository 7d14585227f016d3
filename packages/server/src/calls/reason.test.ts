import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { endpointOffer } from '@maskline/media'
import { allHeaders, type SipRequest } from '@maskline/sip'
import { formatReason, parseReasonHeader, readReasons } from './reason.ts'
import { openTalk, openWire, PARTY } from './wire-test-kit.ts'

describe('a Reason header', () => {
  it('reads protocol, cause and quoted text', () => {
    assert.deepEqual(parseReasonHeader('Q.850;cause=17;text="User busy"'), [
      { protocol: 'Q.850', cause: 17, text: 'User busy' },
    ])
  })

  it('reads several values of one line, blanks and escaped quotes', () => {
    assert.deepEqual(parseReasonHeader('SIP ;cause=486 ;text="a, \\"b\\"; c" , Q.850 ; cause = 21'), [
      { protocol: 'SIP', cause: 486, text: 'a, "b"; c' },
      { protocol: 'Q.850', cause: 21, text: '' },
    ])
  })

  it('skips what makes no sense and never throws', () => {
    assert.deepEqual(parseReasonHeader(''), [])
    assert.deepEqual(parseReasonHeader(';;;,,"'), [])
    assert.deepEqual(parseReasonHeader('Q.850;cause=abc;text="'), [
      { protocol: 'Q.850', cause: undefined, text: '' },
    ])
    assert.deepEqual(parseReasonHeader('Q.850;cause'), [{ protocol: 'Q.850', cause: undefined, text: '' }])
  })

  for (const [title, lines, q850, status] of [
    ['nothing', [], undefined, undefined],
    ['Q.850 in any spelling', ['q.850;cause=21'], 21, undefined],
    ['SIP', ['SIP;cause=486;text="Busy, here; really"'], undefined, 486],
    ['both on one line', ['SIP;cause=480, Q.850;cause=20;text="a \\"b\\", c"'], 20, 480],
    ['both on two lines', ['Q.850;cause=19', 'SIP;cause=408'], 19, 408],
    [
      'the first that makes sense',
      ['Q.850;cause=999, Q.850;cause=17', 'SIP;cause=17, SIP;cause=600'],
      17,
      600,
    ],
    ['no other protocol', ['FreeSWITCH;cause=17', 'X.int;cause=486'], undefined, undefined],
  ] as const)
    it(`finds ${title}`, () => {
      assert.deepEqual(readReasons(lines), { q850, status })
    })

  it('writes what it reads', () => {
    assert.equal(formatReason(17), 'Q.850;cause=17;text="User busy"')
    assert.equal(formatReason(99), 'Q.850;cause=99')
    assert.equal(readReasons([formatReason(102)]).q850, 102)
    assert.deepEqual(readReasons([formatReason(26)]), { q850: 26, status: 200 })
  })
})

/** What one side says when it leaves a talk, and what the other is told. */
const PARTINGS: readonly (readonly [title: string, said: readonly string[], told: string])[] = [
  ['no reason', [], 'Q.850;cause=16;text="Normal call clearing"'],
  ['a Q.850 cause', ['Q.850;cause=38;text="k3j9x7"'], 'Q.850;cause=38'],
  ['a SIP status', ['SIP;cause=503'], 'Q.850;cause=41;text="Temporary failure"'],
  ['SIP 200', ['SIP;cause=200'], 'Q.850;cause=16;text="Normal call clearing"'],
  ['nonsense', ['Q.850;cause=0', 'x', '"'], 'Q.850;cause=16;text="Normal call clearing"'],
]

for (const side of ['caller', 'callee'] as const)
  for (const [title, said, told] of PARTINGS)
    test(`a BYE of the ${side} with ${title} is told to the other side in our words, and the call was a talk`, async (t) => {
      const { wire, invite, answer } = await openTalk(t)
      const headers = said.flatMap((value) => ['Reason', value])
      if (side === 'caller') wire.caller.asks(answer, 'BYE', { headers })
      else wire.callee.asksOf(invite, 'BYE', { headers })
      const other = side === 'caller' ? wire.callee : wire.caller
      assert.deepEqual(allHeaders(await other.gets<SipRequest>('BYE'), 'Reason'), [told])
      const { releaseCode, q850, sipStatus } = await wire.ended()
      assert.deepEqual({ releaseCode, q850, sipStatus }, { releaseCode: 0, q850: 0, sipStatus: 0 })
    })

for (const [title, said, told] of [
  ['no reason', [], 'Q.850;cause=16;text="Normal call clearing"'],
  ['that another phone answered', ['SIP;cause=200;text="Call completed elsewhere"'], formatReason(26)],
  ['a Q.850 cause', ['Q.850;cause=102'], 'Q.850;cause=102;text="Timer expired"'],
] as const)
  test(`a CANCEL with ${title} is told to the callee, and stays the caller’s giving up`, async (t) => {
    const wire = await openWire(t)
    wire.invite({ body: endpointOffer(PARTY) })
    const invite = await wire.callee.gets<SipRequest>('INVITE')
    wire.callee.says(invite, 180)
    await wire.caller.gets('180 INVITE')
    wire.cancel(said.flatMap((value) => ['Reason', value]))
    assert.deepEqual(allHeaders(await wire.callee.gets<SipRequest>('CANCEL'), 'Reason'), [told])
    const { releaseCode, q850, sipStatus } = await wire.ended()
    assert.deepEqual({ releaseCode, q850, sipStatus }, { releaseCode: 7502, q850: 16, sipStatus: 487 })
  })

for (const [status, said, releaseCode, q850] of [
  [480, [], 8103, 18],
  [480, ['Q.850;cause=17'], 8102, 17],
  [480, ['SIP;cause=404;text="k3j9x7"'], 8100, 1],
  [500, ['SIP;cause=404, Q.850;cause=17'], 8102, 17],
  [603, ['SIP;cause=200'], 7503, 21],
] as const)
  test(`a ${status} with Reason ${said[0] ?? 'of none'} is ${releaseCode} and Q.850 ${q850} to the customer`, async (t) => {
    const wire = await openWire(t)
    wire.invite({ body: endpointOffer(PARTY) })
    wire.callee.says(await wire.callee.gets<SipRequest>('INVITE'), status, {
      headers: said.flatMap((value) => ['Reason', value]),
    })
    const end = await wire.ended()
    assert.deepEqual([end.releaseCode, end.q850, end.sipStatus], [releaseCode, q850, status])
  })
