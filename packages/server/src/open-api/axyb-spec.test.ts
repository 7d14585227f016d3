import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createAxybService } from '../bindings/axyb-service.ts'
import { areasBy } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { systemClock, type Clock } from '../shared/time.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import type { App } from '../tenants/app.ts'
import { anApp, API_CONFIG, NOW, startTestApi, type CallOptions, type TestApi } from './api-test-kit.ts'

/** The rows of spec/axyb.md sections 1 to 5 and 7, from the wire down to a real database. */

const PATH = '/rest/omp/xyrelationnumber/v1.0'
const A = '+8613800000021'
const B = '+8613800000022'
const C = '+8613800000023'
const FIXED = '+8675528000001'
/** Its area is not known. */
const NOWHERE = '+8613900000029'
const [X1, X2, X3, X4, X5, X6, X7] = [1, 2, 3, 4, 5, 6, 7].map((n) => `+861700000000${n}`) as [
  string,
  ...string[],
] as [string, string, string, string, string, string, string]
const GUANGZHOU = '+8617000000020'
const BEIJING = '+8617000000010'
const FOREIGN = '+8617000000099'
const NO_ID = '00000000-0000-4000-8000-000000000000'

const guangdong = { areaCode: '0755', province: 'Guangdong' }
const number = (value: string, changes: Partial<XNumber> = {}): XNumber => ({
  number: value as E164,
  appKey: 'app-key-0001',
  ...guangdong,
  status: 'normal',
  smsCapable: true,
  ...changes,
})
const app = (changes: Partial<App> = {}) => anApp({ mode: 'AXYB', ...changes })
const otherApp = app({ key: 'app-key-0002', tenantId: 'tenant-2', spId: 'sp-2' })

let storage: Storage
let test: TestApi
const hand = { now: NOW }
const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }

before(async () => {
  storage = await openStorage({ dataDir: ':memory:', clock })
  await storage.apps.saveApp(app())
  await storage.apps.saveApp(otherApp)
  const provinces: Record<string, string> = { '0755': 'Guangdong', '020': 'Guangdong', '0769': 'Guangdong' }
  const axyb = createAxybService({
    store: storage.bindings,
    clock,
    areas: areasBy(
      (of) => (of === NOWHERE ? undefined : guangdong),
      (code) => provinces[code],
    ),
  })
  test = await startTestApi({
    axyb,
    apps: storage.apps,
    clock,
    config: API_CONFIG,
    announcementExists: (_app, name) => name.endsWith('.wav'),
  })
})
after(async () => {
  await test.close()
  await storage.close()
})
beforeEach(async () => {
  hand.now = NOW
  for (const key of ['app-key-0001', 'app-key-0002']) {
    for (const { number: old } of await storage.numbers.list(key)) await storage.numbers.remove(old)
  }
  await use(app())
  await storage.numbers.save([
    number(X1),
    number(X2),
    number(X3),
    number(GUANGZHOU, { areaCode: '020' }),
    number(BEIJING, { areaCode: '010', province: 'Beijing' }),
    number(FOREIGN, { appKey: otherApp.key }),
  ])
})

/** Saves an app; requests are signed by it from now on. */
async function use(signer: App): Promise<void> {
  await storage.apps.saveApp(signer)
  test.app = signer
}

const call = (method: string, options: CallOptions) => test.call(method, { path: PATH, ...options })
const post = (body: unknown, options: CallOptions = {}) => call('POST', { body, ...options })
/** `0`, or the code with the parameter that is blamed. */
async function outcome(reply: ReturnType<typeof call>): Promise<string> {
  const { status, json } = await reply
  const { resultcode, resultdesc } = json as { resultcode: string; resultdesc: string }
  assert.equal(status, resultcode === '0' ? 200 : 403)
  const culprit = /^Invalid request\. (.+) is invalid\.$/.exec(resultdesc)?.[1]
  return culprit === undefined ? resultcode : `${resultcode} ${culprit}`
}
type Bound = { readonly id: string; readonly number: string }
async function bound(body: object): Promise<Bound> {
  const { json } = await post(body)
  assert.equal(json['resultcode'], '0', JSON.stringify(json))
  return { id: String(json['subscriptionId']), number: String(json['relationNumber']) }
}
const bindX = (body: object = {}) => bound({ origNum: A, areaCode: '0755', ...body })
const bindY = (id: string, body: object = {}) => bound({ origNum: B, subscriptionId: id, ...body })

const escaped = (value: string) => value.replace('+', '%2B')
const url = (parameters: Record<string, string>) => ({
  query: `?${Object.entries(parameters)
    .map(([name, value]) => `${name}=${escaped(value)}`)
    .join('&')}`,
})
const unbind = (parameters: Record<string, string>) => outcome(call('DELETE', url(parameters)))
const queried = (parameters: Record<string, string>) => outcome(call('GET', url(parameters)))
type Entry = Readonly<Record<string, unknown>>
async function entries(parameters: Record<string, string>): Promise<readonly Entry[]> {
  const { json } = await call('GET', url(parameters))
  assert.equal(json['resultcode'], '0', JSON.stringify(json))
  return json['xyRelationNumList'] as Entry[]
}
const only = async (id: string): Promise<Entry> => {
  const [entry, ...more] = await entries({ subscriptionId: id })
  assert.equal(more.length, 0)
  return entry!
}

/** Given a body, either the outcome of the bind, or members of the entry that the query then shows. */
type Case = readonly [row: string, body: object, expected: string | Entry]

const long = (length: number) => 'x'.repeat(length)
const wav = (length: number) => `${long(length - 4)}.wav`
const cases = (row: string, member: string, values: readonly unknown[], expected: string | Entry): Case[] =>
  values.map((value): Case => [row, { [member]: value }, expected])

/** The values that every life takes and refuses. */
const LIFE = { good: [0, 60, 3600, 7_776_000], bad: [1, 59, -1, 7_776_001, 90.5, 'x', '', true, {}] }
const life = (row: string, member: string): Case[] => [
  ...LIFE.good.flatMap((n): Case[] => [
    [row, { [member]: n }, { [member]: String(n) }],
    [row, { [member]: String(n) }, { [member]: String(n) }],
  ]),
  ...cases(row, member, LIFE.bad, `1010002 ${member}`),
]
const tone = (row: string, member: string): Case[] => [
  [row, { [member]: 'a.wav' }, { [member]: 'a.wav' }],
  [row, { [member]: wav(128) }, { [member]: wav(128) }],
  [row, { [member]: '' }, { [member]: undefined }],
  [row, { [member]: null }, { [member]: undefined }],
  ...cases(row, member, ['missing.mp3', wav(129), {}, true], `1010002 ${member}`),
]
const party = (row: string): Case[] =>
  cases(
    row,
    'origNum',
    [
      undefined,
      null,
      '',
      '13800000029',
      '8613800000029',
      '+86138000000291',
      `+${'1'.repeat(32)}`,
      13800000029,
      '+86110',
      '+86123456',
      '+864001234567',
      '+8695588',
      '+12025550123',
    ],
    '1010002 origNum',
  )
const area = (row: string): Case[] => cases(row, 'areaCode', [long(33), {}, true], '1010002 areaCode')
const mode = (row: string): Case[] => cases(row, 'areaMatchMode', ['2', 2, '', true], '1010002 areaMatchMode')

describe('AXYB: the body of an A-X bind (spec/axyb.md 2.1)', () => {
  const CASES: readonly Case[] = [
    ['axyb.bind.origNum', {}, { numA: A }],
    ['axyb.bind.origNum', { origNum: FIXED }, { numA: FIXED }],
    ...party('axyb.bind.origNum'),
    ['axyb.bind.areaCode', { areaCode: '020' }, { numX: GUANGZHOU }],
    ['axyb.bind.areaCode', { areaCode: '20' }, { numX: GUANGZHOU }],
    ['axyb.bind.areaCode', { areaCode: 10 }, { numX: BEIJING }],
    ['axyb.bind.areaCode', { areaCode: undefined }, { numX: X1 }],
    ['axyb.bind.areaCode', { areaCode: '' }, { numX: X1 }],
    ['axyb.bind.areaCode', { areaCode: undefined, origNum: NOWHERE }, '1012008'],
    ['axyb.bind.areaCode', { areaCode: '0571' }, '1012008'],
    ...area('axyb.bind.areaCode'),
    ['axyb.bind.areaMatchMode', { areaCode: '0769' }, '1012008'],
    ['axyb.bind.areaMatchMode', { areaCode: '0769', areaMatchMode: '0' }, '1012008'],
    ['axyb.bind.areaMatchMode', { areaCode: '0769', areaMatchMode: 0 }, '1012008'],
    ['axyb.bind.areaMatchMode', { areaCode: '0769', areaMatchMode: '1' }, { numX: X1 }],
    ['axyb.bind.areaMatchMode', { areaCode: '010', areaMatchMode: 1 }, { numX: BEIJING }],
    ['axyb.bind.areaMatchMode', { areaCode: '0571', areaMatchMode: '1' }, { numX: X1 }],
    ...mode('axyb.bind.areaMatchMode'),
    ['axyb.bind.callDirection', {}, { callDirection: 0 }],
    ...[0, 1, 2].map((n): Case => ['axyb.bind.callDirection', { callDirection: n }, { callDirection: n }]),
    ['axyb.bind.callDirection', { callDirection: '2' }, { callDirection: 2 }],
    ...cases('axyb.bind.callDirection', 'callDirection', [3, -1, 'x', '', true], '1010002 callDirection'),
    ['axyb.bind.duration', {}, { duration: '0' }],
    ...life('axyb.bind.duration', 'duration'),
    ['axyb.bind.ybDuration', {}, { ybDuration: '0' }],
    ...life('axyb.bind.ybDuration', 'ybDuration'),
    ['axyb.bind.recordFlag', {}, { recordFlag: 'false' }],
    ...cases('axyb.bind.recordFlag', 'recordFlag', ['true', true, 'TRUE'], { recordFlag: 'true' }),
    ...cases('axyb.bind.recordFlag', 'recordFlag', ['false', false, null], { recordFlag: 'false' }),
    ...cases('axyb.bind.recordFlag', 'recordFlag', ['yes', 1, '', {}], '1010002 recordFlag'),
    ...tone('axyb.bind.recordHintTone', 'recordHintTone'),
    ...tone('axyb.bind.preVoiceX', 'preVoiceX'),
    ['axyb.bind.userData', {}, { userData: undefined }],
    ['axyb.bind.userData', { userData: 'order-7' }, { userData: 'order-7' }],
    ['axyb.bind.userData', { userData: long(256) }, { userData: long(256) }],
    ...cases('axyb.bind.userData', 'userData', ['', long(257), '{', 'a}', {}], '1010002 userData'),
    ['axyb.bind.relationNum', { relationNum: X3 }, { numX: X1 }],
    ['axyb.bind.relationNum', { relationNum: 'none' }, { numX: X1 }],
    // A client that fills in every member: an empty id asks for no pair.
    ['axyb.bind.emptyId', { subscriptionId: '' }, { numX: X1, numY: undefined }],
    ['axyb.bind.emptyId', { subscriptionId: null }, { numX: X1, numY: undefined }],
  ]
  for (const [row, body, expected] of CASES) {
    it(`[${row}] ${JSON.stringify(body)}: ${JSON.stringify(expected)}`, async () => {
      const sent = { origNum: A, areaCode: '0755', ...body }
      if (typeof expected === 'string') return assert.equal(await outcome(post(sent)), expected)
      const entry = await only((await bound(sent)).id)
      for (const member of Object.keys(expected)) assert.equal(entry[member], expected[member], member)
    })
  }

  it('[axyb.bind.userData] an app known to send braces may', async () => {
    await use(app({ lenientUserData: true }))
    const { id } = await bindX({ userData: '{"order":7}' })
    assert.equal((await only(id))['userData'], '{"order":7}')
  })

  it('[axyb.bind.body] a body that is no JSON object is refused', async () => {
    for (const body of ['[]', '{broken', '7'])
      assert.equal(await outcome(call('POST', { body })), '1010002 body')
    assert.equal(await outcome(call('POST', {})), '1010002 origNum')
  })
})

describe('AXYB: the body of a Y-B bind (spec/axyb.md 2.2)', () => {
  const CASES: readonly Case[] = [
    ['axyb.pair.origNum', {}, { numB: B }],
    ['axyb.pair.origNum', { origNum: FIXED }, { numB: FIXED }],
    ...party('axyb.pair.origNum'),
    ['axyb.pair.origNum', { origNum: A }, '1010002 origNum'],
    ['axyb.pair.subscriptionId', { subscriptionId: NO_ID }, '1012001'],
    ...cases('axyb.pair.subscriptionId', 'subscriptionId', [long(65), {}, true], '1010002 subscriptionId'),
    ['axyb.pair.areaCode', {}, { numY: X2 }],
    ['axyb.pair.areaCode', { areaCode: '' }, { numY: X2 }],
    ['axyb.pair.areaCode', { areaCode: '020' }, { numY: GUANGZHOU }],
    ['axyb.pair.areaCode', { areaCode: '10' }, { numY: BEIJING }],
    ['axyb.pair.areaCode', { areaCode: '0571' }, '1012008'],
    ...area('axyb.pair.areaCode'),
    ['axyb.pair.areaMatchMode', { areaCode: '0769', areaMatchMode: '0' }, '1012008'],
    ['axyb.pair.areaMatchMode', { areaCode: '0769', areaMatchMode: '1' }, { numY: X2 }],
    ['axyb.pair.areaMatchMode', { areaCode: '0571', areaMatchMode: 1 }, { numY: X2 }],
    ...mode('axyb.pair.areaMatchMode'),
    ['axyb.pair.ybDuration', {}, { ybDuration: '600' }],
    ...life('axyb.pair.ybDuration', 'ybDuration'),
    ...tone('axyb.pair.preVoiceY', 'preVoiceY'),
    [
      'axyb.pair.settings',
      { callDirection: 2, duration: 60, recordFlag: 'true', recordHintTone: 'b.wav', userData: 'other' },
      { callDirection: 1, duration: '7200', recordFlag: 'false', recordHintTone: 'a.wav', userData: 'order' },
    ],
    ['axyb.pair.settings', { callDirection: 'no', duration: 1, userData: '{' }, { userData: 'order' }],
  ]
  for (const [row, body, expected] of CASES) {
    it(`[${row}] ${JSON.stringify(body)}: ${JSON.stringify(expected)}`, async () => {
      const settings = { callDirection: 1, duration: 7200, ybDuration: 600, userData: 'order' }
      const relation = await bindX({ ...settings, recordHintTone: 'a.wav' })
      const sent = { origNum: B, subscriptionId: relation.id, ...body }
      if (typeof expected === 'string') return assert.equal(await outcome(post(sent)), expected)
      await bound(sent)
      const entry = await only(relation.id)
      for (const member of Object.keys(expected)) assert.equal(entry[member], expected[member], member)
    })
  }
})

describe('AXYB: the answer and the app_key (spec/axyb.md 2 and 2.3)', () => {
  for (const scheme of ['AKSK', 'WSSE'] as const) {
    it(`[axyb.answer.resultcode] [axyb.answer.resultdesc] [axyb.answer.subscriptionId] [axyb.answer.relationNumber] [axyb.model.twoSteps] both steps, signed by ${scheme}`, async () => {
      const first = await post({ origNum: A, areaCode: '0755' }, { scheme, query: '?app_key=app-key-0001' })
      const id = first.json['subscriptionId']
      assert.match(String(id), /^[A-Za-z0-9-]{1,64}$/)
      const success = { resultcode: '0', resultdesc: 'Success', subscriptionId: id }
      assert.deepEqual(first.json, { ...success, relationNumber: X1 })
      const second = await post({ origNum: B, subscriptionId: id }, { scheme })
      assert.deepEqual(second.json, { ...success, relationNumber: X2 })
      const found = await call('GET', { scheme, query: `?subscriptionId=${id}` })
      assert.equal(found.json['resultcode'], '0')
      const gone = await call('DELETE', { scheme, query: `?subscriptionId=${id}` })
      assert.deepEqual(gone.json, { resultcode: '0', resultdesc: 'Success' })
    })
  }

  it('[habit.8] [axyb.url.app_key] the app of the header, or none; another is 1010003, on every method', async () => {
    const { id } = await bindX()
    const methods = [
      ['POST', `?`, { origNum: B, subscriptionId: id }],
      ['GET', `?subscriptionId=${id}&`, undefined],
      ['DELETE', `?subscriptionId=${id}&`, undefined],
    ] as const
    for (const [method, query, body] of methods) {
      for (const other of ['app-key-0002', 'unknown', 'x'.repeat(129)])
        assert.equal(await outcome(call(method, { query: `${query}app_key=${other}`, body })), '1010003')
      assert.equal(await outcome(call(method, { query: `${query}app_key=`, body })), '0', method)
      if (method === 'POST') await unbind({ subscriptionId: id, bNum: B })
      const again = method === 'DELETE' ? (await bindX()).id : id
      const same = `${query.replace(id, again)}app_key=app-key-0001`
      assert.equal(await outcome(call(method, { query: same, body })), '0', method)
    }
  })

  it('[axyb.model.noModify] there is no modify', async () => {
    const { status, headers } = await call('PUT', { body: { subscriptionId: NO_ID } })
    assert.deepEqual([status, headers['allow']], [405, 'POST, DELETE, GET'])
  })

  it('[axyb.error.1010040] an app of another mode may not call it, nor this app the other modes', async () => {
    await use(anApp({ key: 'app-key-0003', mode: 'AXB' }))
    assert.equal(await outcome(post({ origNum: A })), '1010040')
    await use(app())
    const { json } = await test.call('GET', { query: `?subscriptionId=${NO_ID}` })
    assert.equal(json['resultcode'], '1010040')
  })
})

describe('AXYB: who may stand where (spec/axyb.md 1)', () => {
  it('[axyb.limit.onePerX] an X carries one A', async () => {
    assert.equal((await bindX()).number, X1)
    assert.equal((await bindX({ origNum: B })).number, X2)
    assert.equal((await bindX({ origNum: C })).number, X3)
    assert.equal(await outcome(post({ origNum: FIXED, areaCode: '0755' })), '1012008')
  })

  it('[axyb.limit.fiveX] [axyb.error.1012008] the sixth X of an A is refused, and there is room again after an unbind', async () => {
    await storage.numbers.save([X4, X5, X6, X7].map((x) => number(x)))
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push((await bindX()).id)
    assert.equal(await outcome(post({ origNum: A, areaCode: '0755' })), '1012008')
    assert.equal(await outcome(post({ origNum: B, areaCode: '0755' })), '0')
    await unbind({ subscriptionId: ids[0]! })
    assert.equal(await outcome(post({ origNum: A, areaCode: '0755' })), '0')
  })

  it('[axyb.limit.oncePerY] [axyb.model.severalB] each B of a relation has a Y of its own', async () => {
    const { id } = await bindX()
    assert.deepEqual([(await bindY(id)).number, (await bindY(id, { origNum: C })).number], [X2, X3])
    assert.equal(await outcome(post({ origNum: FIXED, subscriptionId: id })), '1012008')
  })

  it('[axyb.limit.uniqueYA] a Y that serves this A through another X is not taken again', async () => {
    const one = await bindX()
    const two = await bindX()
    assert.deepEqual([one.number, two.number], [X1, X2])
    assert.equal((await bindY(one.id)).number, X3)
    assert.equal(await outcome(post({ origNum: C, subscriptionId: two.id })), '1012008')
    assert.equal((await bindY(two.id, { origNum: C, areaCode: '020' })).number, GUANGZHOU)
  })

  it('[axyb.limit.sharedY] A1 and A2 reach the same B, or different ones, by one Y', async () => {
    const [one, two] = [await bindX(), await bindX({ origNum: C })]
    assert.deepEqual([(await bindY(one.id)).number, (await bindY(two.id)).number], [X3, X3])
  })

  it('[axyb.limit.xNeverY] [axyb.model.oneStock] an X is not offered as Y, nor a Y as X; any number may become either', async () => {
    const one = await bindX()
    await bindX({ origNum: C })
    const pair = await bindY(one.id)
    assert.equal(pair.number, X3)
    assert.equal(await outcome(post({ origNum: FIXED, areaCode: '0755' })), '1012008')
    await unbind({ subscriptionId: one.id })
    const freed = [await bindX({ origNum: FIXED }), await bindX()]
    assert.deepEqual(freed.map((x) => x.number).toSorted(), [X1, X3])
  })

  it('[axyb.limit.neitherAnorB] neither A nor B is its own X or Y, nor B the X', async () => {
    // Mobile numbers that the stock holds too.
    await storage.numbers.save([X1, X2, X3].map((x) => number(x, { status: 'suspended' })))
    await storage.numbers.save([number(A), number(B)])
    const { id, number: x } = await bindX({ origNum: A })
    assert.equal(x, B)
    assert.equal(await outcome(post({ origNum: B, subscriptionId: id })), '1010002 origNum')
    await unbind({ subscriptionId: id })
    await storage.numbers.save([number(X1)])
    const again = await bindX({ origNum: C })
    assert.equal(again.number, A)
    await storage.numbers.save([number(X1, { status: 'suspended' })])
    assert.equal(await outcome(post({ origNum: B, subscriptionId: again.id })), '1012008')
  })

  it('[axyb.limit.pairs] [axyb.query.all] more than five pairs on one A-X, and the query returns all', async () => {
    await storage.numbers.save([X4, X5, X6, X7].map((x) => number(x)))
    const { id } = await bindX()
    const bs = [1, 2, 3, 4, 5, 6].map((n) => `+861390000000${n}`)
    for (const b of bs) await bindY(id, { origNum: b })
    assert.deepEqual(
      (await entries({ subscriptionId: id })).map((entry) => entry['numB']),
      bs,
    )
  })

  it('[axyb.model.twoNumbers] with one number in stock A-X is bound and B gets no Y', async () => {
    const { id } = await bindX({ areaCode: '010' })
    assert.equal(await outcome(post({ origNum: B, subscriptionId: id })), '1012008')
  })
})

describe('AXYB: life (spec/axyb.md 2.4)', () => {
  it('[axyb.life.relation] at its end A-X goes with all pairs, and every number is free', async () => {
    const { id } = await bindX({ duration: 60 })
    const pair = await bindY(id, { ybDuration: 3600 })
    hand.now += 59_999
    assert.equal((await entries({ subscriptionId: id })).length, 1)
    hand.now += 1
    assert.equal(await queried({ subscriptionId: id }), '1012001')
    assert.equal(await queried({ relationNum: X1 }), '1016001')
    assert.equal(await unbind({ subscriptionId: id }), '1012001')
    const next = [await bindX(), await bindX(), await bindX()].map((x) => x.number)
    assert.ok(next.includes(pair.number))
  })

  it('[axyb.life.pair] at its end only the pair goes', async () => {
    const { id } = await bindX({ duration: 3600 })
    await bindY(id, { ybDuration: 60 })
    await bindY(id, { origNum: C, ybDuration: 120 })
    hand.now += 60_000
    assert.deepEqual(
      (await entries({ subscriptionId: id })).map((entry) => entry['numB']),
      [C],
    )
    assert.equal(await unbind({ subscriptionId: id, bNum: B }), '1016001')
    hand.now += 60_000
    assert.equal((await only(id))['numB'], undefined)
  })

  it('[axyb.life.default] a pair without a life of its own has that of the A-X bind; 0 is as long as A-X', async () => {
    const { id } = await bindX({ ybDuration: 60 })
    await bindY(id)
    await bindY(id, { origNum: C, ybDuration: 0 })
    hand.now += 60_000
    assert.deepEqual(
      (await entries({ subscriptionId: id })).map((entry) => [entry['numB'], entry['ybDuration']]),
      [[C, '0']],
    )
    hand.now += 80_000_000_000
    assert.equal((await only(id))['numB'], C)
  })
})

describe('AXYB: unbind (spec/axyb.md 3)', () => {
  it('[axyb.unbind.subscriptionId] alone it releases A-X and all pairs; a second time it is unknown', async () => {
    const { id } = await bindX()
    await bindY(id)
    await bindY(id, { origNum: C })
    assert.equal(await unbind({ app_key: 'app-key-0001', subscriptionId: id }), '0')
    assert.equal(await unbind({ subscriptionId: id }), '1012001')
    assert.equal((await bindX()).number.length, X1.length)
  })

  it('[axyb.unbind.subscriptionId] absent, empty or too long it is a fault, whatever else is given', async () => {
    const { number: y } = await bindY((await bindX()).id)
    for (const id of [{}, { subscriptionId: '' }, { subscriptionId: long(65) }])
      for (const more of [{}, { yNum: y }, { bNum: B }])
        assert.equal(await unbind({ ...id, ...more } as Record<string, string>), '1010002 subscriptionId')
  })

  for (const [row, key] of [
    ['axyb.unbind.yNum', 'yNum'],
    ['axyb.unbind.bNum', 'bNum'],
  ] as const) {
    it(`[${row}] releases that pair alone, also with a blank for its +; again it is 1016001`, async () => {
      const { id } = await bindX()
      const first = await bindY(id)
      const second = await bindY(id, { origNum: C })
      const value = (of: Bound, b: string) => (key === 'yNum' ? of.number : b)
      assert.equal(await unbind({ subscriptionId: id, [key]: value(first, B) }), '0')
      assert.equal((await only(id))['numB'], C)
      assert.equal(await unbind({ subscriptionId: id, [key]: value(first, B) }), '1016001')
      const bare = value(second, C).replace('+', ' ').replace(' ', '%20')
      const reply = call('DELETE', { query: `?subscriptionId=${id}&${key}=${bare}` })
      assert.equal(await outcome(reply), '0')
      assert.equal((await only(id))['numB'], undefined)
    })

    it(`[${row}] malformed or empty it is a fault, not an unbind of the whole relation`, async () => {
      const { id } = await bindX()
      await bindY(id)
      for (const value of ['', '13800000022', 'none', '+'])
        assert.equal(await unbind({ subscriptionId: id, [key]: value }), `1010002 ${key}`)
      assert.equal((await only(id))['numB'], B)
    })
  }

  it('[axyb.unbind.yNumWins] of yNum and bNum yNum decides; an empty one beside the other is not given', async () => {
    const { id } = await bindX()
    const { number: y } = await bindY(id)
    await bindY(id, { origNum: C })
    assert.equal(await unbind({ subscriptionId: id, yNum: y, bNum: C }), '0')
    assert.equal((await only(id))['numB'], C)
    assert.equal(await unbind({ subscriptionId: id, yNum: y, bNum: C }), '1016001')
    assert.equal(await unbind({ subscriptionId: id, yNum: '', bNum: C }), '0')
    const { number: next } = await bindY(id)
    assert.equal(await unbind({ subscriptionId: id, yNum: next, bNum: '' }), '0')
  })

  it('[axyb.unbind.pairOfOther] [axyb.error.1016001] a pair of another relation is unknown to this one', async () => {
    const one = await bindX()
    const two = await bindX({ origNum: C })
    const { number: y } = await bindY(one.id)
    assert.equal(await unbind({ subscriptionId: two.id, yNum: y }), '1016001')
    assert.equal(await unbind({ subscriptionId: two.id, bNum: B }), '1016001')
    assert.equal((await only(one.id))['numB'], B)
  })

  it('[axyb.unbind.body] a body is ignored: the URL decides', async () => {
    const { id } = await bindX()
    const body = JSON.stringify({ subscriptionId: NO_ID })
    const headers = { 'Content-Length': String(body.length) }
    assert.equal(await outcome(call('DELETE', { query: `?subscriptionId=${id}`, body, headers })), '0')
  })

  it('[axyb.unbind.free] numbers and parties are free at once', async () => {
    const { id } = await bindX()
    await bindY(id)
    await unbind({ subscriptionId: id, bNum: B })
    await bindY(id)
    await unbind({ subscriptionId: id })
    const again = await bindX()
    await bindY(again.id)
    assert.equal((await only(again.id))['numB'], B)
  })
})

describe('AXYB: query (spec/axyb.md 5)', () => {
  it('[axyb.query.bindId] [axyb.query.numA] [axyb.query.numX] [axyb.query.numY] [axyb.query.numB] [axyb.query.recordFlag] [axyb.query.recordHintTone] [axyb.query.subscribeTime] [axyb.query.callDirection] [axyb.query.duration] [axyb.query.ybDuration] [axyb.query.preVoiceX] [axyb.query.preVoiceY] [axyb.query.userData] every member that was set', async () => {
    const settings = {
      callDirection: 2,
      duration: 86_400,
      ybDuration: 3600,
      recordFlag: 'true',
      recordHintTone: 'hint.wav',
      preVoiceX: 'x.wav',
      userData: 'order-7',
    }
    const { id } = await bindX(settings)
    hand.now += 61_000
    await bindY(id, { preVoiceY: 'y.wav', ybDuration: 600 })
    assert.deepEqual((await call('GET', url({ subscriptionId: id }))).json, {
      resultcode: '0',
      resultdesc: 'Success',
      xyRelationNumList: [
        {
          bindId: id,
          numA: A,
          numX: X1,
          numY: X2,
          numB: B,
          recordFlag: 'true',
          recordHintTone: 'hint.wav',
          subscribeTime: '2026-02-12 15:31:21',
          callDirection: 2,
          duration: '86400',
          ybDuration: '600',
          preVoiceX: 'x.wav',
          preVoiceY: 'y.wav',
          userData: 'order-7',
        },
      ],
    })
  })

  it('[axyb.query.noPair] [axyb.query.xyRelationNumList] A-X without a pair is one entry without numY and numB, and nothing that was never set', async () => {
    const { id } = await bindX()
    assert.deepEqual(await entries({ relationNum: X1 }), [
      {
        bindId: id,
        numA: A,
        numX: X1,
        recordFlag: 'false',
        subscribeTime: '2026-02-12 15:30:20',
        callDirection: 0,
        duration: '0',
        ybDuration: '0',
      },
    ])
  })

  it('[axyb.query.relationNum] all pairs on an X, also with a blank for its +; a number bound as Y, or not at all, is 1016001', async () => {
    const { id } = await bindX()
    const { number: y } = await bindY(id)
    await bindY(id, { origNum: C })
    assert.equal((await entries({ relationNum: X1 })).length, 2)
    const blank = await call('GET', { query: `?relationNum=+${X1.slice(1)}` })
    assert.equal((blank.json['xyRelationNumList'] as Entry[]).length, 2)
    assert.equal(await queried({ relationNum: y }), '1016001')
    assert.equal(await queried({ relationNum: BEIJING }), '1016001')
    assert.equal(await queried({ relationNum: '17000000001' }), '1010002 relationNum')
  })

  it('[axyb.query.subscriptionId] the id wins over the X; one of the two must be given', async () => {
    const one = await bindX()
    const two = await bindX({ origNum: C })
    const found = await entries({ subscriptionId: two.id, relationNum: one.number })
    assert.equal(found[0]!['numX'], two.number)
    assert.equal((await entries({ subscriptionId: '', relationNum: one.number })).length, 1)
    assert.equal(await queried({ subscriptionId: NO_ID, relationNum: one.number }), '1012001')
    assert.equal(await queried({}), '1010002 subscriptionId')
    assert.equal(await queried({ subscriptionId: '' }), '1010002 subscriptionId')
    assert.equal(await queried({ subscriptionId: long(65) }), '1010002 subscriptionId')
  })
})

describe('AXYB: result codes (spec/axyb.md 7)', () => {
  it('[axyb.error.1012001] the id or the number of another app, on every operation', async () => {
    const { id } = await bindX()
    await use(otherApp)
    assert.equal(await outcome(post({ origNum: B, subscriptionId: id })), '1012001')
    assert.equal(await queried({ subscriptionId: id }), '1012001')
    assert.equal(await queried({ relationNum: X1 }), '1012001')
    assert.equal(await queried({ relationNum: '+8617000009999' }), '1012001')
    assert.equal(await unbind({ subscriptionId: id }), '1012001')
    await use(app())
    assert.equal((await only(id))['numA'], A)
  })

  it('[axyb.error.1012010] a B that is paired already, with its number in the text, although no Y is left', async () => {
    const { id } = await bindX()
    await bindY(id)
    await bindY(id, { origNum: C })
    const { status, json } = await post({ origNum: B, subscriptionId: id })
    assert.equal(status, 403)
    assert.deepEqual(json, { resultcode: '1012010', resultdesc: `The number ${B} has been bound.` })
  })

  it('[axyb.error.1012012] recordFlag true while the app does not record', async () => {
    await use(app({ recordingEnabled: false }))
    for (const recordFlag of ['true', true])
      assert.equal(await outcome(post({ origNum: A, recordFlag })), '1012012')
    assert.equal(await outcome(post({ origNum: A, recordFlag: 'false' })), '0')
  })

  it('[axyb.error.1012102] a barred number is chosen neither as X nor as Y, and a relation on a barred X takes no B', async () => {
    for (const status of ['binding-frozen', 'suspended', 'unusable'] as const) {
      await storage.numbers.save([X1, X2, X3].map((x) => number(x, { status })))
      assert.equal(await outcome(post({ origNum: A, areaCode: '0755' })), '1012008')
      await storage.numbers.save([number(X1)])
      const { id } = await bindX()
      assert.equal(await outcome(post({ origNum: B, subscriptionId: id })), '1012008')
      await storage.numbers.save([number(X1, { status }), number(X2)])
      assert.equal(await outcome(post({ origNum: B, subscriptionId: id })), '1012102')
      await unbind({ subscriptionId: id })
    }
  })
})
