import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SipRequest } from '@maskline/sip'
import type { Collect, Connect, Refuse, Router } from '../bindings/route.ts'
import {
  B,
  type Bench,
  type BenchOptions,
  NONE,
  openBench,
  SDP,
  settle,
  SUBJECT,
  X,
} from './call-test-kit.ts'
import { SETUP_LIMIT_MS } from './machine/states.ts'

/** The caller is asked for an extension (spec/axe.md section 7.1): prompts, keys, timers, and what they lead to. */
const stranger = { ...SUBJECT, subscriptionId: undefined, direction: 0, serviceType: '005' } as const
const { subscriptionId: _none, ...unknown } = stranger
const endWith = (releaseCode: number, tone: string): Refuse => ({
  kind: 'refuse',
  subject: unknown,
  releaseCode,
  sipStatus: 404,
  tone,
})
const COLLECT: Collect = {
  kind: 'collect',
  subject: unknown,
  prompt: 'prompt.wav',
  wrongTone: 'wrong.wav',
  length: 4,
  attempts: 2,
  firstDigitMs: 10_000,
  interDigitMs: 5_000,
  wrongEnd: endWith(8022, 'wrong_end.wav'),
  emptyEnd: endWith(8033, 'empty_end.wav'),
}
const FOUND: Connect = {
  kind: 'connect',
  subject: { ...SUBJECT, direction: 0, serviceType: '005', extension: '0001' },
  callee: B,
  display: X,
  maxDurationMin: 0,
}
/** Extension 0001 leads to B, any other nowhere. */
const digits: Router['digits'] = async (_arrival, _asked, keyed) =>
  keyed === '0001' ? FOUND : { kind: 'wrong' }

async function asking(options: BenchOptions = {}): Promise<Bench> {
  const bench = openBench({ decide: COLLECT, digits, ...options })
  await settle()
  return bench
}

const ackWith = ({ caller }: Bench, body: Uint8Array): SipRequest => ({ ...caller.request, body })

async function key(bench: Bench, keys: string): Promise<void> {
  bench.keys(keys)
  await settle()
}

async function promptEnds(bench: Bench): Promise<void> {
  bench.media.toneEnds('a')
  await settle()
}

describe('a caller who is asked for digits', () => {
  test('[call.collect.answered] [axe.call.prompt-heard] [call.events.callinFirst] is answered with 200 and hears the prompt', async () => {
    const bench = await asking()
    assert.deepEqual(bench.toCaller, ['200'])
    assert.deepEqual(bench.media.heard, ['a prompt.wav'])
    assert.deepEqual(bench.events(), ['callin'])
  })

  test('[call.collect.early] hears it in early media where the trunk takes digits so', async () => {
    const bench = await asking({ collectsEarly: true })
    assert.deepEqual(bench.toCaller, ['183 SDP'])
    await key(bench, '0001')
    bench.calleeSays(200)
    await settle()
    assert.deepEqual(bench.toCaller, ['183 SDP', '200'])
  })

  test('[call.collect.delayedOffer] without an offer gets ours, also on such a trunk, and the prompt after its ACK', async () => {
    const bench = await asking({ offer: NONE, collectsEarly: true })
    assert.deepEqual(bench.toCaller, ['200'])
    assert.deepEqual(bench.media.heard, [])
    bench.caller.handlers.onAck(bench.caller, ackWith(bench, SDP))
    await settle()
    assert.deepEqual(bench.media.heard, ['a prompt.wav'])
    await key(bench, '0001')
    assert.deepEqual(bench.toCallee, ['INVITE'])
  })

  const unanswered: readonly (readonly [what: string, options: BenchOptions, end: (bench: Bench) => void])[] =
    [
      [
        'an ACK without an answer',
        {},
        (bench) => bench.caller.handlers.onAck(bench.caller, ackWith(bench, NONE)),
      ],
      [
        'an answer without a common codec',
        { fail: { acceptAnswer: 'NO_COMMON_CODEC' } },
        (bench) => bench.caller.handlers.onAck(bench.caller, ackWith(bench, SDP)),
      ],
      ['no ACK in time', {}, (bench) => bench.time.advance(SETUP_LIMIT_MS)],
      ['an order to stop', {}, (bench) => bench.controller.terminate('k', bench.sessionId())],
    ]
  for (const [what, options, happens] of unanswered) {
    test(`[call.collect.delayedOffer] who was answered with our offer gets BYE after ${what}`, async () => {
      const bench = await asking({ offer: NONE, ...options })
      happens(bench)
      await settle()
      assert.deepEqual(bench.toCaller, ['200', 'BYE 41'])
      assert.equal(bench.controller.activeCalls, 0)
      assert.deepEqual(bench.events(), ['callin', 'disconnect'])
    })
  }

  test('[call.collect.length] [axe.call.length] is put through as soon as all digits came', async () => {
    const bench = await asking()
    await promptEnds(bench)
    await key(bench, '0001')
    assert.deepEqual(bench.toCallee, ['INVITE'])
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 0001', 'callout'])
    const { record } = bench.facts.at(-1)!
    assert.equal(record.extension, '0001')
    assert.equal(record.subscriptionId, 'sub')
  })

  test('[call.collect.bargeIn] [axe.call.barge-in] cuts the prompt with the first key, which counts', async () => {
    const bench = await asking()
    await key(bench, '0')
    assert.deepEqual(bench.media.heard, ['a prompt.wav', 'a nothing'])
    await key(bench, '001')
    assert.deepEqual(bench.toCallee, ['INVITE'])
  })

  test('[call.collect.firstDigit] has ten seconds for the first digit, from the end of the prompt', async () => {
    const bench = await asking()
    bench.time.advance(60_000)
    await settle()
    assert.deepEqual(bench.media.heard, ['a prompt.wav'])
    await promptEnds(bench)
    bench.time.advance(9_999)
    await settle()
    assert.deepEqual(bench.media.heard, ['a prompt.wav'])
    bench.time.advance(1)
    await settle()
    assert.deepEqual(bench.media.heard, ['a prompt.wav', 'a prompt.wav'])
  })

  test('[call.collect.interDigit] [axe.call.timers.run] [call.collect.tooFew] [axe.call.digits.short] has five seconds for each next one; too few digits are wrong', async () => {
    const bench = await asking()
    await promptEnds(bench)
    for (const digit of '00') {
      await key(bench, digit)
      bench.time.advance(4_999)
    }
    await settle()
    assert.deepEqual(bench.events(), ['callin'])
    bench.time.advance(1)
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 00'])
    assert.equal(bench.media.heard.at(-1), 'a wrong.wav')
  })

  test('[call.collect.hash] [axe.call.hash] ends an attempt with #', async () => {
    const bench = await asking()
    await key(bench, '12#')
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 12'])
    assert.equal(bench.media.heard.at(-1), 'a wrong.wav')
  })

  test('who ends a complete extension with # has not used up the next attempt', async () => {
    const bench = await asking()
    await key(bench, '9999')
    await key(bench, '#')
    assert.equal(bench.media.heard.at(-1), 'a wrong.wav')
    await key(bench, '0001#')
    assert.deepEqual(bench.toCallee, ['INVITE'])
  })

  test('* and letters are passed over', async () => {
    const bench = await asking()
    await key(bench, '*0A001')
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 0001', 'callout'])
  })

  test('[call.collect.empty] [axe.call.empty-again] [call.collect.emptyEnd] [axe.call.empty-end] [codes.8033] hears the prompt again, then the tone for nothing, and BYE 8033', async () => {
    const bench = await asking()
    await promptEnds(bench)
    bench.time.advance(10_000)
    await settle()
    assert.deepEqual(bench.media.heard, ['a prompt.wav', 'a prompt.wav'])
    await promptEnds(bench)
    bench.time.advance(10_000)
    await settle()
    assert.equal(bench.media.heard.at(-1), 'a empty_end.wav')
    await promptEnds(bench)
    assert.deepEqual(bench.toCaller, ['200', 'BYE 1'])
    assert.equal(bench.ended()?.releaseCode, 8033)
    assert.deepEqual(bench.events(), ['callin', 'disconnect'])
    assert.equal(bench.controller.activeCalls, 0)
    assert.equal(bench.time.pending(), 0)
  })

  test('[call.collect.wrongTone] [axe.call.wrong-again] [call.collect.wrongEnd] [axe.call.wrong-end] [call.events.collectInfo] [axe.call.collectInfo.each-attempt] [codes.8022] hears wrong tones, then BYE 8022; each attempt is told', async () => {
    const bench = await asking()
    await key(bench, '1111')
    assert.equal(bench.media.heard.at(-1), 'a wrong.wav')
    await key(bench, '2222')
    assert.equal(bench.media.heard.at(-1), 'a wrong_end.wav')
    await promptEnds(bench)
    assert.deepEqual(bench.toCaller, ['200', 'BYE 1'])
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 1111', 'collectInfo 2222', 'disconnect'])
    assert.equal(bench.ended()?.releaseCode, 8022)
  })

  test('[call.collect.wrongPrompt] [axe.call.tone.wrong.default] hears the prompt where there is no wrong tone, or its file is gone', async () => {
    const { wrongTone: _gone, ...decide } = COLLECT
    for (const options of [{ decide }, { files: ['prompt.wav'] }]) {
      const bench = await asking(options)
      await key(bench, '1111')
      assert.deepEqual(bench.media.heard, ['a prompt.wav', 'a nothing', 'a prompt.wav'])
    }
  })

  test('[call.collect.callerGone] [axe.call.given-up] [codes.7516] who hangs up before the forwarding leaves 7516 and no second leg', async () => {
    const bench = await asking()
    await key(bench, '00')
    bench.hangsUp()
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'disconnect'])
    assert.equal(bench.ended()?.releaseCode, 7516)
    assert.deepEqual(bench.toCallee, [])
    assert.equal(bench.time.pending(), 0)
  })

  test('[codes.8008] is refused with 8008 when it cannot be asked, and with 522 when no port is free', async () => {
    const bench = await asking({ fail: { answerLocally: 'NO_COMMON_CODEC' } })
    assert.equal(bench.ended()?.releaseCode, 8008)
    assert.deepEqual(bench.toCaller, ['488'])
    const full = await asking({ fail: { open: 'NO_PORTS' } })
    assert.equal(full.ended()?.releaseCode, 522)
    assert.deepEqual(full.toCaller, ['503 Retry-After'])
  })

  test('a prompt that cannot be played is over at once: keys are waited for all the same', async () => {
    const bench = await asking({ fail: { play: 'NO_COMMON_CODEC' } })
    await key(bench, '0001')
    assert.deepEqual(bench.toCallee, ['INVITE'])
  })

  test('a lookup that fails ends the call with 8020 and BYE', async () => {
    const bench = await asking({ digits: () => Promise.reject(new Error('the database is gone')) })
    await key(bench, '0001')
    assert.deepEqual(bench.toCaller, ['200', 'BYE 41'])
    assert.equal(bench.ended()?.releaseCode, 8020)
  })

  test('a re-INVITE of a caller alone with us is answered by us', async () => {
    const bench = await asking()
    const answers: number[] = []
    bench.caller.handlers.onReinvite(bench.caller, {
      request: { ...bench.caller.request, body: SDP },
      source: bench.caller.source,
      respond: (status) => void answers.push(status),
    })
    await settle()
    assert.deepEqual(answers, [200])
  })
})

describe('keys', () => {
  test('[call.collect.rfc4733] [axe.call.dtmf.rfc4733] [call.collect.inBand] [axe.call.dtmf.in-band] of the media count, tones too until the call is put through', async () => {
    const bench = await asking()
    assert.ok(bench.media.log.includes('in-band on'))
    await key(bench, '0001')
    assert.ok(bench.media.log.includes('in-band off'))
  })

  test('[call.collect.info] [axe.call.dtmf.info] of SIP INFO count, in both forms, and are answered 200', async () => {
    const bench = await asking()
    assert.deepEqual(bench.informs('application/dtmf-relay', 'Signal=0\r\nDuration=160\r\n'), ['200'])
    assert.deepEqual(bench.informs('application/dtmf', '0'), ['200'])
    assert.deepEqual(bench.informs('Application/DTMF-Relay; x=y', ' signal= 0\nDuration=1'), ['200'])
    bench.informs('application/dtmf-relay', 'Signal=1\r\n')
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 0001', 'callout'])
  })

  test('an INFO that is no key is answered by the rules: 415 with Accept, 469 for packages, 200 for an empty one', async () => {
    const bench = await asking()
    assert.deepEqual(bench.informs('text/plain', 'hello'), [
      '415 Accept application/dtmf-relay, application/dtmf',
    ])
    assert.deepEqual(bench.informs('application/x', 'y', ['Info-Package', 'x']), ['469 Recv-Info'])
    assert.deepEqual(bench.informs('application/dtmf', ''), ['200'])
    assert.deepEqual(bench.informs('application/dtmf-relay', 'Signal=flash'), ['200'])
    await settle()
    assert.deepEqual(bench.events(), ['callin'])
  })

  test('[call.collect.once] sent by INFO and in the media count once, whichever comes first', async () => {
    const infoFirst = await asking()
    for (const digit of '0001') {
      infoFirst.informs('application/dtmf', digit)
      infoFirst.keys(digit)
    }
    await settle()
    assert.deepEqual(infoFirst.events(), ['callin', 'collectInfo 0001', 'callout'])
    const mediaFirst = await asking()
    for (const digit of '0001') {
      mediaFirst.keys(digit)
      mediaFirst.informs('application/dtmf', digit)
    }
    await settle()
    assert.deepEqual(mediaFirst.events(), ['callin', 'collectInfo 0001', 'callout'])
    const late = await asking()
    for (const digit of '00') late.informs('application/dtmf', digit)
    late.keys('0001')
    await settle()
    assert.deepEqual(late.events(), ['callin', 'collectInfo 0001', 'callout'])
  })

  test('of a talk go to the callee, whose answer they get, and lead nowhere', async () => {
    const bench = await asking()
    await key(bench, '0001')
    bench.calleeSays(200)
    await settle()
    assert.deepEqual(bench.informs('application/dtmf', '5'), ['415'])
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'INFO'])
    assert.equal(bench.controller.activeCalls, 1)
  })
})

describe('a caller who was answered to key an extension', () => {
  const forwarded = async (): Promise<Bench> => {
    const bench = await asking()
    await key(bench, '0001')
    return bench
  }

  test('[call.collect.ringBack] hears our ring-back while the callee rings, and no second answer', async () => {
    const bench = await forwarded()
    bench.calleeSays(180)
    await settle()
    assert.equal(bench.media.heard.at(-1), 'a ring-back for ever')
    bench.calleeSays(200)
    await settle()
    assert.equal(bench.media.heard.at(-1), 'a nothing')
    assert.deepEqual(bench.toCaller, ['200'])
    assert.deepEqual(bench.events(), ['callin', 'collectInfo 0001', 'callout', 'alerting', 'answer'])
  })

  test('[call.collect.bridged] is joined with the callee without a re-INVITE', async () => {
    const bench = await forwarded()
    bench.calleeSays(200)
    await settle()
    assert.deepEqual(bench.toCaller, ['200'])
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK'])
    assert.equal(bench.events().at(-1), 'answer')
  })

  for (const [id, rings, status, code, cause] of [
    ['busy', false, 486, 8102, 17],
    ['noAnswer', true, 480, 8101, 19],
    ['unreachable', false, 408, 8103, 20],
    ['rejected', false, 603, 7503, 21],
    ['empty', false, 404, 8100, 1],
  ] as const)
    test(`[codes.sip.${id}.bye] [call.collect.failureBye] gets BYE with cause ${cause} when the callee answers ${status}`, async () => {
      const bench = await forwarded()
      if (rings) bench.calleeSays(180)
      bench.calleeSays(status)
      await settle()
      assert.deepEqual(bench.toCaller, ['200', `BYE ${cause}`])
      assert.equal(bench.ended()?.releaseCode, code)
    })

  test('[codes.7501] [codes.7502] who hangs up while the callee is dialled, or rings, cancels the callee', async () => {
    for (const [rings, code] of [
      [false, 7501],
      [true, 7502],
    ] as const) {
      const bench = await forwarded()
      if (rings) bench.calleeSays(180)
      await settle()
      bench.hangsUp()
      await settle()
      assert.deepEqual(bench.toCallee, ['INVITE', 'CANCEL'])
      assert.equal(bench.ended()?.releaseCode, code)
      assert.deepEqual(bench.ended()?.q850, 16)
    }
  })
})
