import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { AxbBinding } from '../bindings/binding.ts'
import { A, anApp, B, bindingOf, NOW, startTestApi, X, type TestApi } from './api-test-kit.ts'

const BIND = { callerNum: A, calleeNum: B, relationNum: X }
const ID = '0f1e2d3c-0000-4000-8000-000000000001'
const FIXED = '+8675528000001'
const long = (length: number) => 'x'.repeat(length)
const wav = (length: number) => `${long(length - 4)}.wav`

let test: TestApi
before(async () => (test = await startTestApi()))
after(() => test.close())
beforeEach(() => {
  test.app = anApp()
  Object.assign(test.axb, { refuseWith: undefined, crashWith: undefined, found: [] })
  for (const list of [test.axb.binds, test.axb.unbinds, test.axb.modifies, test.axb.queries]) list.length = 0
})

/** What reached the domain, or the parameter that was blamed. */
async function outcomeOf(method: string, options: { body?: unknown; query?: string }, sent: unknown[]) {
  const { status, json } = await test.call(method, options)
  if (status === 200) return sent.at(-1)
  assert.equal(`${status} ${json['resultcode']}`, '403 1010002')
  assert.equal(sent.length, 0)
  return `blames ${/^Invalid request\. (.+) is invalid\.$/.exec(String(json['resultdesc']))?.[1]}`
}

/** Rows of one parameter: a value that is sent, and the member of the domain's request that it becomes. */
type Accepts = readonly [wire: unknown, member: string, value: unknown]

const COMMON_ACCEPTED: Readonly<Record<string, readonly Accepts[]>> = {
  callDirection: [
    [0, 'callDirection', 0],
    [1, 'callDirection', 1],
    ['2', 'callDirection', 2],
  ],
  duration: [
    [0, 'durationSec', 0],
    [7776000, 'durationSec', 7776000],
    ['60', 'durationSec', 60],
  ],
  recordFlag: [
    ['true', 'recordFlag', true],
    ['false', 'recordFlag', false],
    [true, 'recordFlag', true],
    [false, 'recordFlag', false],
  ],
  recordHintTone: [
    ['hint.wav', 'recordHintTone', 'hint.wav'],
    [wav(128), 'recordHintTone', wav(128)],
    ['', 'recordHintTone', undefined],
  ],
  maxDuration: [
    [1440, 'maxDurationMin', 1440],
    ['5', 'maxDurationMin', 5],
  ],
  privateSms: [
    ['false', 'privateSms', false],
    [true, 'privateSms', true],
  ],
  preVoice: [
    [{ callerHintTone: 'a.wav' }, 'preVoice', { callerHintTone: 'a.wav' }],
    [
      { callerHintTone: 'a.wav', calleeHintTone: 'b.wav', other: 1 },
      'preVoice',
      { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
    ],
    [{ callerHintTone: '', calleeHintTone: null }, 'preVoice', undefined],
    [{}, 'preVoice', undefined],
  ],
  userData: [
    ['u', 'userData', 'u'],
    [long(256), 'userData', long(256)],
    [42, 'userData', '42'],
  ],
}

const COMMON_REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  callerNum: ['', '13800000021', '8613800000021', '+86138000000210', ` ${A}`, `${A} `, 13800000021, {}],
  calleeNum: ['', '+86', '+8695588', '+8601028000001', [B], true],
  callDirection: [3, -1, 1.5, 'one', '', true],
  duration: [-1, 7776001, '7776001', 0.5, '60s', {}, true],
  recordFlag: ['yes', '', 1, {}],
  recordHintTone: [wav(129), 'missing.mp3', {}, true],
  maxDuration: [-1, 1441, 'x'],
  privateSms: ['no', 0],
  preVoice: ['a.wav', [], true],
  userData: ['', long(257), 'a{', 'b}', '{"order":7}', {}, true],
}

describe('AXB bind: parameters of spec/axb.md section 3', () => {
  const bind = (body: object) =>
    outcomeOf('POST', { body }, test.axb.binds) as Promise<Record<string, unknown>>

  const accepted: Readonly<Record<string, readonly Accepts[]>> = {
    callerNum: [[FIXED, 'callerNum', FIXED]],
    calleeNum: [[FIXED, 'calleeNum', FIXED]],
    relationNum: [
      [X, 'relationNum', X],
      ['+86700123456789012', 'relationNum', '+86700123456789012'],
      [null, 'relationNum', undefined],
    ],
    areaCode: [
      ['0755', 'areaCode', '0755'],
      ['755', 'areaCode', '0755'],
      [755, 'areaCode', '0755'],
      ['10', 'areaCode', '010'],
      ['', 'areaCode', undefined],
    ],
    areaMatchMode: [
      ['0', 'areaMatchMode', '0'],
      ['1', 'areaMatchMode', '1'],
      [1, 'areaMatchMode', '1'],
    ],
    ...COMMON_ACCEPTED,
  }
  for (const [parameter, rows] of Object.entries(accepted)) {
    for (const [wire, member, value] of rows) {
      it(`[axb.bind.${parameter}] ${parameter} ${JSON.stringify(wire)?.slice(0, 60)} is taken`, async () => {
        const request = await bind({ ...BIND, [parameter]: wire })
        assert.deepEqual(request[member], value)
      })
    }
  }

  const refused: Readonly<Record<string, readonly unknown[]>> = {
    ...COMMON_REFUSED,
    relationNum: ['', '+86', '17000000001', `${X} `, ` ${X}`, `+${long(31)}`, `+1${'0'.repeat(31)}`, {}],
    areaCode: [long(33), {}, true],
    areaMatchMode: ['2', '', 2, true],
    lastMinVoice: [wav(129), 'missing.mp3', {}],
  }
  for (const [parameter, values] of Object.entries(refused)) {
    for (const value of values) {
      it(`[axb.bind.${parameter}] ${parameter} ${JSON.stringify(value)?.slice(0, 60)} is refused by name`, async () => {
        assert.equal(await bind({ maxDuration: 5, ...BIND, [parameter]: value }), `blames ${parameter}`)
      })
    }
  }

  it('uses the documented defaults', async () => {
    assert.deepEqual(JSON.parse(JSON.stringify(await bind(BIND))), {
      ...BIND,
      callDirection: 0,
      durationSec: 0,
      maxDurationMin: 0,
      recordFlag: false,
      privateSms: true,
    })
  })

  it('[axb.choose.sms] an X for SMS is preferred when privateSms is explicitly true, in either form', async () => {
    for (const [privateSms, preferred] of [
      ['true', true],
      [true, true],
      ['false', undefined],
      [undefined, undefined],
    ])
      assert.equal((await bind({ ...BIND, privateSms }))['preferSms'], preferred)
  })

  for (const parameter of ['callerNum', 'calleeNum']) {
    for (const value of [undefined, null]) {
      it(`${parameter} is required (${value})`, async () => {
        assert.equal(await bind({ ...BIND, [parameter]: value }), `blames ${parameter}`)
      })
    }
  }

  it('lastMinVoice needs maxDuration', async () => {
    const lastMinVoice = 'last.wav'
    assert.equal(await bind({ ...BIND, lastMinVoice }), 'blames lastMinVoice')
    assert.equal(await bind({ ...BIND, lastMinVoice, maxDuration: 0 }), 'blames lastMinVoice')
    assert.equal((await bind({ ...BIND, lastMinVoice, maxDuration: 1 }))['lastMinVoice'], lastMinVoice)
  })

  it('names the member of preVoice that is wrong', async () => {
    assert.equal(
      await bind({ ...BIND, preVoice: { callerHintTone: wav(129) } }),
      'blames preVoice.callerHintTone',
    )
    assert.equal(
      await bind({ ...BIND, preVoice: { calleeHintTone: 'gone.mp3' } }),
      'blames preVoice.calleeHintTone',
    )
  })

  it('[axb.bind.userData.lenient] [habit.11] takes braces in userData when the app is lenient', async () => {
    test.app = anApp({ lenientUserData: true })
    assert.equal((await bind({ ...BIND, userData: '{"order":7}' }))['userData'], '{"order":7}')
  })

  it('ignores unknown parameters', async () => {
    assert.equal((await bind({ ...BIND, colour: 'red', __proto__: { x: 1 } }))['callerNum'], A)
  })

  for (const body of ['', '{', '[]', '"text"', '7', 'null', 'a=b&c=d', '{"callerNum":"a\nb"}']) {
    it(`answers 403 1010002 to the body ${JSON.stringify(body)}`, async () => {
      assert.match(String(await outcomeOf('POST', { body }, test.axb.binds)), /^blames (body|callerNum)$/)
    })
  }
})

describe('AXB bind: answer', () => {
  it('[axb.bind.answer.relationNum] [habit.14] has the documented members in the documented order', async () => {
    const { status, text } = await test.call('POST', { body: BIND })
    assert.equal(status, 200)
    assert.equal(
      text,
      `{"resultcode":"0","resultdesc":"Success","subscriptionId":"${ID}",` +
        `"relationNum":"${X}","callDirection":0,"duration":0,"maxDuration":0}`,
    )
  })

  it('echoes userData when the request carried it', async () => {
    const { json } = await test.call('POST', { body: { ...BIND, duration: '60', userData: 'order 7' } })
    assert.equal(json['userData'], 'order 7')
    assert.equal(json['duration'], 60)
  })
})

describe('AXB unbind: parameters of spec/axb.md section 4', () => {
  const unbind = (query: string) => outcomeOf('DELETE', { query }, test.axb.unbinds)
  const rows: [string, unknown][] = [
    [`?subscriptionId=${ID}`, { subscriptionId: ID }],
    ['?relationNum=%2B8617000000001', { relationNum: X }],
    ['?relationNum=+8617000000001', { relationNum: X }],
    [`?subscriptionId=${ID}&relationNum=%2B8617000000001`, { subscriptionId: ID }],
    [`?subscriptionId=${ID}&relationNum=rubbish`, { subscriptionId: ID }],
    [`?subscriptionId=${ID}&subscriptionId=other`, { subscriptionId: ID }],
    [`?subscriptionId=${long(64)}`, { subscriptionId: long(64) }],
    ['', 'blames subscriptionId'],
    ['?', 'blames subscriptionId'],
    [`?subscriptionId=${long(65)}`, 'blames subscriptionId'],
    ['?subscriptionId=&relationNum=%2B8617000000001', 'blames subscriptionId'],
    ['?relationNum=17000000001', 'blames relationNum'],
    ['?relationNum=', 'blames relationNum'],
    ['?relationNum=%FF%FE', 'blames relationNum'],
    ['?relationNum=%zz', 'blames relationNum'],
  ]
  for (const [query, outcome] of rows) {
    it(`DELETE ${query.slice(0, 70)}`, async () => assert.deepEqual(await unbind(query), outcome))
  }

  it('answers only the envelope', async () => {
    const { text } = await test.call('DELETE', { query: `?subscriptionId=${ID}` })
    assert.equal(text, '{"resultcode":"0","resultdesc":"Success"}')
  })
})

describe('AXB modify: parameters of spec/axb.md section 5', () => {
  const modify = (body: object) =>
    outcomeOf('PUT', { body }, test.axb.modifies) as Promise<Record<string, unknown>>

  for (const [parameter, rows] of Object.entries(COMMON_ACCEPTED)) {
    for (const [wire, member, value] of rows) {
      it(`[axb.modify.${parameter}] ${parameter} ${JSON.stringify(wire)?.slice(0, 60)} is taken`, async () => {
        const request = await modify({ subscriptionId: ID, [parameter]: wire })
        assert.deepEqual(
          request,
          value === undefined ? { subscriptionId: ID } : { subscriptionId: ID, [member]: value },
        )
      })
    }
  }
  for (const [parameter, values] of Object.entries(COMMON_REFUSED)) {
    for (const value of values) {
      it(`[axb.modify.${parameter}] ${parameter} ${JSON.stringify(value)?.slice(0, 60)} is refused by name`, async () => {
        assert.equal(await modify({ subscriptionId: ID, [parameter]: value }), `blames ${parameter}`)
      })
    }
  }

  it('subscriptionId is required, 1 to 64 characters', async () => {
    for (const subscriptionId of [undefined, null, '', long(65), {}]) {
      assert.equal(await modify({ subscriptionId }), 'blames subscriptionId')
    }
  })

  it('leaves absent parameters out and ignores relationNum and areaCode', async () => {
    const request = await modify({
      subscriptionId: ID,
      relationNum: 'rubbish',
      areaCode: 7,
      calleeNum: FIXED,
    })
    assert.deepEqual(request, { subscriptionId: ID, calleeNum: FIXED })
  })

  it('refuses lastMinVoice beside maxDuration 0 and leaves it to the domain without maxDuration', async () => {
    const body = { subscriptionId: ID, lastMinVoice: 'last.wav' }
    assert.equal(await modify({ ...body, maxDuration: 0 }), 'blames lastMinVoice')
    assert.deepEqual(await modify(body), body)
  })

  it('answers only the envelope', async () => {
    const { text } = await test.call('PUT', { body: { subscriptionId: ID } })
    assert.equal(text, '{"resultcode":"0","resultdesc":"Success"}')
  })
})

describe('AXB query: parameters of spec/axb.md section 6', () => {
  const query = (text: string) => outcomeOf('GET', { query: text }, test.axb.queries)
  const x = '?relationNum=%2B8617000000001'
  const page = { pageIndex: 1, pageSize: 50 }
  const rows: [string, unknown][] = [
    [x, { relationNum: X, ...page }],
    ['?relationNum=+8617000000001', { relationNum: X, ...page }],
    [`?subscriptionId=${ID}`, { subscriptionId: ID, ...page }],
    [
      `?subscriptionId=${ID}&relationNum=rubbish&callerNum=rubbish&pageIndex=0`,
      { subscriptionId: ID, ...page },
    ],
    [`?subscriptionId=&relationNum=%2B8617000000001`, { relationNum: X, ...page }],
    [`${x}&callerNum=%2B8613800000021`, { relationNum: X, callerNum: A, ...page }],
    [`${x}&calleeNum=+8613800000022`, { relationNum: X, calleeNum: B, ...page }],
    [`${x}&callerNum=%2B8613800000021&calleeNum=`, { relationNum: X, callerNum: A, ...page }],
    [`${x}&callerNum=%2B8613800000021&pageIndex=0`, { relationNum: X, callerNum: A, ...page }],
    [`${x}&pageIndex=3&pageSize=10`, { relationNum: X, pageIndex: 3, pageSize: 10 }],
    [`${x}&pageSize=100&pageIndex=`, { relationNum: X, pageIndex: 1, pageSize: 100 }],
    [`${x}&pageSize=9`, { relationNum: X, ...page }],
    [`${x}&pageSize=101`, { relationNum: X, ...page }],
    [`${x}&pageSize=many`, { relationNum: X, ...page }],
    ['', 'blames subscriptionId'],
    ['?callerNum=%2B8613800000021', 'blames subscriptionId'],
    [`?subscriptionId=${long(65)}`, 'blames subscriptionId'],
    ['?relationNum=rubbish', 'blames relationNum'],
    [`${x}&callerNum=13800000021`, 'blames callerNum'],
    [`${x}&calleeNum=x`, 'blames calleeNum'],
    [`${x}&pageIndex=0`, 'blames pageIndex'],
    [`${x}&pageIndex=one`, 'blames pageIndex'],
  ]
  for (const [text, outcome] of rows) {
    it(`GET ${text.slice(0, 80)}`, async () => assert.deepEqual(await query(text), outcome))
  }

  it('[axb.query.answer.relationNumList] [axb.query.unset] [habit.16] answers every member of relationNumInfo in order, and leaves out what was never set', async () => {
    const full: AxbBinding = bindingOf('k', {
      recordFlag: true,
      recordHintTone: 'hint.wav',
      lastMinVoice: 'last.wav',
      maxDurationMin: 5,
      preVoice: { callerHintTone: 'a.wav', calleeHintTone: 'b.wav' },
      privateSms: false,
      areaCode: '0755',
      userData: 'order 7',
    })
    test.axb.found = [full, { ...bindingOf('k'), changedAt: NOW + 1000 }]
    const { text } = await test.call('GET', { query: x })
    const numbers = `"subscriptionId":"${ID}","relationNum":"${X}","callerNum":"${A}","calleeNum":"${B}"`
    assert.equal(
      text,
      '{"resultcode":"0","resultdesc":"Success","app_key":"app-key-0001","relationNumList":[' +
        `{${numbers},"callDirection":0,"duration":0,"maxDuration":5,"recordFlag":"true",` +
        '"recordHintTone":"hint.wav","subscribeTime":"2026-02-12 15:30:20",' +
        '"preVoice":{"callerHintTone":"a.wav","calleeHintTone":"b.wav"},' +
        '"lastMinVoice":"last.wav","privateSms":"false","areaCode":"0755","userData":"order 7"},' +
        `{${numbers},"callDirection":0,"duration":0,"maxDuration":0,"recordFlag":"false",` +
        '"subscribeTime":"2026-02-12 15:30:21","privateSms":"true"}' +
        '],"totalCount":2,"pageIndex":1,"pageSize":50}',
    )
  })
})

describe('AXB refusals of the domain', () => {
  const requests: [string, { body?: unknown; query?: string }][] = [
    ['POST', { body: BIND }],
    ['DELETE', { query: `?subscriptionId=${ID}` }],
    ['PUT', { body: { subscriptionId: ID } }],
    ['GET', { query: `?subscriptionId=${ID}` }],
  ]
  for (const [method, options] of requests) {
    it(`${method} gives code and text of the registry`, async () => {
      test.axb.refuseWith = { ok: false, code: '1012007' }
      const { status, text } = await test.call(method, options)
      assert.equal(status, 403)
      assert.equal(text, '{"resultcode":"1012007","resultdesc":"The record does not exist."}')
    })

    it(`[auth.code.403.1010002] ${method} names the parameter that the domain blames`, async () => {
      test.axb.refuseWith = { ok: false, code: '1010002', parameter: 'calleeNum' }
      const { json } = await test.call(method, options)
      assert.equal(json['resultdesc'], 'Invalid request. calleeNum is invalid.')
    })

    it(`[auth.code.500.1010001] ${method} answers 500 1010001 in JSON when the domain fails`, async () => {
      test.axb.crashWith = new Error('disk full')
      const { status, text } = await test.call(method, options)
      assert.equal(status, 500)
      assert.equal(text, '{"resultcode":"1010001","resultdesc":"Internal system error."}')
    })
  }
})
