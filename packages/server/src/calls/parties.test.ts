import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SipRequest } from '@maskline/sip'
import { type BenchOptions, openBench, REFUSE, settle, SUBJECT, X } from './call-test-kit.ts'
import { callerNumber, dialledNumber, isWithheld } from './parties.ts'
import type { Admission } from './ports.ts'
import type { E164 } from '../shared/e164.ts'

const CALLER = '+8613800000021'
const SHOWN = `"B" <sip:${CALLER}@192.0.2.5>;tag=1`
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'
const ASSERTED = ['P-Asserted-Identity', `<sip:${CALLER}@192.0.2.5;user=phone>`]

const OTHER = '<sip:+8613800000029@192.0.2.5>'

const invite = (from: string, ...headers: readonly string[]): SipRequest => ({
  kind: 'request',
  method: 'INVITE',
  uri: `sip:${X}@192.0.2.1`,
  headers: ['From', from, ...headers],
  body: Buffer.alloc(0),
})

const PAI = (...values: readonly string[]): SipRequest =>
  invite(OTHER, ...values.flatMap((value) => ['P-Asserted-Identity', value]))

/** A trunk that is trusted in these headers, in this order. */
const trusted = (...callerFrom: readonly string[]): Admission => ({
  kind: 'trunk',
  trunk: 't',
  callerFrom,
  ended() {},
})

const RPID = (...values: readonly string[]): SipRequest =>
  invite(OTHER, ...values.flatMap((value) => ['Remote-Party-ID', value]))
const PARTY = `<sip:${CALLER}@192.0.2.5>`

/** What a trunk's policy makes of it. */
const BY_POLICY: readonly (readonly [
  title: string,
  callerFrom: readonly string[],
  invite: SipRequest,
  number: string | undefined,
  withheld: boolean,
])[] = [
  ['Remote-Party-ID', ['Remote-Party-ID', 'From'], RPID(PARTY), CALLER, false],
  [
    'of the caller, not of the callee',
    ['Remote-Party-ID'],
    RPID(`<sip:+8613800000022@192.0.2.5>;party=called`, `${PARTY};party=calling`),
    CALLER,
    false,
  ],
  ['hidden whole', ['Remote-Party-ID'], RPID(`${PARTY};privacy=full;screen=yes`), CALLER, true],
  ['hidden number', ['Remote-Party-ID'], RPID(`${PARTY};privacy=URI`), CALLER, true],
  ['hidden name', ['Remote-Party-ID'], RPID(`${PARTY};privacy=name`), CALLER, false],
  ['shown', ['Remote-Party-ID'], RPID(`${PARTY};privacy=off`), CALLER, false],
  [
    'P-Preferred-Identity by order',
    ['P-Preferred-Identity', 'From'],
    invite(OTHER, 'P-Preferred-Identity', PARTY),
    CALLER,
    false,
  ],
  ['From alone', ['From'], invite(OTHER, ...ASSERTED), '+8613800000029', false],
  ['nothing that it is trusted in', ['P-Asserted-Identity'], invite(OTHER), undefined, false],
]

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
  [
    'P-Asserted-Identity of two values, the number in the second',
    PAI('<sip:pbx@192.0.2.5>, <tel:+8613800000021>'),
    CALLER,
    false,
  ],
  [
    'P-Asserted-Identity on two lines',
    PAI('<sip:pbx@192.0.2.5>', `<sip:${CALLER}@192.0.2.5>`),
    CALLER,
    false,
  ],
  ['P-Asserted-Identity with a comma in a display name', PAI(`"B, A" <tel:${CALLER}>`), CALLER, false],
  [
    'P-Asserted-Identity that cannot be read, then one that can',
    PAI('<<>', `<tel:${CALLER}>`),
    CALLER,
    false,
  ],
  ['a local number in the context of a country', PAI('<tel:13800000021;phone-context=+86>'), CALLER, false],
  [
    'a local number in the context of a domain',
    PAI('<tel:13800000021;phone-context=pbx.example>'),
    CALLER,
    false,
  ],
  ['a global number, whatever the context', PAI(`<tel:${CALLER};phone-context=+1>`), CALLER, false],
  [
    'P-Preferred-Identity, which nobody asserts',
    invite(OTHER, 'P-Preferred-Identity', `<sip:${CALLER}@192.0.2.5>`),
    '+8613800000029',
    false,
  ],
  [
    'Remote-Party-ID, which is not trusted',
    invite(OTHER, 'Remote-Party-ID', `<sip:${CALLER}@192.0.2.5>;privacy=full`),
    '+8613800000029',
    false,
  ],
  ['Privacy: none of an anonymous From', invite(ANONYMOUS, ...ASSERTED, 'Privacy', 'none'), CALLER, true],
  ['Privacy: history', invite(SHOWN, 'Privacy', 'history'), CALLER, false],
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

describe('the number dialled', () => {
  /** A call over a trunk that is registered as `contactUser`. */
  const dialled = (uri: string, headers: readonly string[], contactUser?: string): string | undefined => {
    const by = { ...trusted(), ...(contactUser !== undefined && { contactUser }) }
    assert.ok(by.kind === 'trunk')
    return dialledNumber({ ...invite(SHOWN, ...headers), uri }, '86', by)
  }
  const CONTACT = 'sip:maskline@192.0.2.1:5060'
  const TO = ['To', `"X" <sip:${X}@carrier.example>`]
  const CALLED = ['P-Called-Party-ID', `<sip:${X}@carrier.example;user=phone>`]
  const TO_ANOTHER = ['To', '<sip:+8613800000029@carrier.example>']

  for (const [title, uri, headers, contactUser, number] of [
    [
      'stands in P-Called-Party-ID when our Contact is called',
      CONTACT,
      [...TO_ANOTHER, ...CALLED],
      'maskline',
      X,
    ],
    ['stands in To when nothing else tells', CONTACT, TO, 'maskline', X],
    [
      'stands in To when P-Called-Party-ID has none',
      CONTACT,
      [...TO, 'P-Called-Party-ID', '<sip:a@b>'],
      'maskline',
      X,
    ],
    ['is not looked for when another user is called', CONTACT, [...TO, ...CALLED], 'other', undefined],
    [
      'is that of the Request-URI when our Contact is not called',
      `sip:${X}@192.0.2.1`,
      TO_ANOTHER,
      'maskline',
      X,
    ],
    ['is that of the Request-URI where no trunk registers', CONTACT, TO, undefined, undefined],
    ['of a user name that is escaped', 'sip:mask%40line@192.0.2.1', TO, 'mask@line', X],
    [
      'of a Contact that is the first of our numbers',
      'sip:+8613800000029@192.0.2.1',
      TO,
      '+8613800000029',
      X,
    ],
    ['of a Contact that is our only number', `sip:${X}@192.0.2.1`, ['To', '<sip:pbx@b>'], X, X],
  ] as const)
    test(title, () => assert.equal(dialled(uri, headers, contactUser), number))
})

describe('the caller of an INVITE', () => {
  for (const [title, request, number, withheld] of CALLERS) {
    test(title, () => {
      assert.equal(callerNumber(request, '86'), number)
      assert.equal(isWithheld(request), withheld)
    })
  }

  for (const [title, callerFrom, request, number, withheld] of BY_POLICY)
    test(`by policy of the trunk: ${title}`, () => {
      const by = trusted(...callerFrom)
      assert.ok(by.kind === 'trunk')
      assert.equal(callerNumber(request, '86', by), number)
      assert.equal(isWithheld(request, by), withheld)
    })

  test('a registered phone is who it authenticated as, whatever it says, and may withhold it', () => {
    const by = { kind: 'phone', number: '+8613800000023' as E164 } as const
    assert.equal(callerNumber(PAI(PARTY), '86', by), '+8613800000023')
    assert.equal(isWithheld(RPID(`${PARTY};privacy=full`), by), false)
    assert.equal(isWithheld(invite(SHOWN, 'Privacy', 'id'), by), true)
  })

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
