import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SipRequest } from '@maskline/sip'
import { type BenchOptions, openBench, REFUSE, settle, SUBJECT, X } from './call-test-kit.ts'
import { callerNumber, isWithheld } from './parties.ts'

const CALLER = '+8613800000021'
const SHOWN = `"B" <sip:${CALLER}@192.0.2.5>;tag=1`
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'
const ASSERTED = ['P-Asserted-Identity', `<sip:${CALLER}@192.0.2.5;user=phone>`]

const invite = (from: string, ...headers: readonly string[]): SipRequest => ({
  kind: 'request',
  method: 'INVITE',
  uri: `sip:${X}@192.0.2.1`,
  headers: ['From', from, ...headers],
  body: Buffer.alloc(0),
})

/** Who calls, and whether the callee may know. */
const CALLERS: readonly (readonly [
  title: string,
  invite: SipRequest,
  number: string | undefined,
  withheld: boolean,
])[] = [
  ['From', invite(SHOWN), CALLER, false],
  ['P-Asserted-Identity before From', invite('<sip:+8613800000029@192.0.2.5>', ...ASSERTED), CALLER, false],
  ['the ordinary withheld call', invite(ANONYMOUS, ...ASSERTED, 'Privacy', 'id'), CALLER, true],
  ['an anonymous From alone', invite(ANONYMOUS, ...ASSERTED), CALLER, true],
  ['an anonymous user at a host', invite('<sip:Anonymous@192.0.2.5>', ...ASSERTED), CALLER, true],
  ['nobody says who', invite(ANONYMOUS), undefined, true],
  ['a From that is no number', invite('<sip:pbx@192.0.2.5>', ...ASSERTED), CALLER, false],
  ...['id', 'user', 'header', 'ID', 'header;user;id', 'critical; id', 'session;user'].map(
    (privacy) => [`Privacy: ${privacy}`, invite(SHOWN, 'Privacy', privacy), CALLER, true] as const,
  ),
  ...['none', 'session', 'critical', '', 'identity'].map(
    (privacy) => [`Privacy: ${privacy}`, invite(SHOWN, 'Privacy', privacy), CALLER, false] as const,
  ),
  ['Privacy on two lines', invite(SHOWN, 'Privacy', 'session', 'Privacy', 'id'), CALLER, true],
]

/** One digit is asked for and leads nowhere. */
const COLLECTS: BenchOptions = {
  decide: {
    kind: 'collect',
    subject: SUBJECT,
    prompt: 'prompt.wav',
    length: 1,
    attempts: 1,
    firstDigitMs: 10_000,
    interDigitMs: 5_000,
    wrongEnd: REFUSE,
    emptyEnd: REFUSE,
  },
  digits: async () => ({ kind: 'wrong' }),
}

describe('the caller of an INVITE', () => {
  for (const [title, request, number, withheld] of CALLERS) {
    test(title, () => {
      assert.equal(callerNumber(request, '86'), number)
      assert.equal(isWithheld(request), withheld)
    })
  }

  test('a withheld caller is routed by the number, which the record has, and stays withheld to the digits', async () => {
    const bench = openBench({ headers: ['From', ANONYMOUS, ...ASSERTED, 'Privacy', 'id'], ...COLLECTS })
    await settle()
    bench.keys('1')
    await settle()
    assert.deepEqual(
      bench.arrivals.map(({ from, withheld }) => ({ from, withheld })),
      [
        { from: CALLER, withheld: true },
        { from: CALLER, withheld: true },
      ],
    )
    assert.equal(bench.facts[0]?.record.caller, CALLER)
  })
})
