import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { encodeG711, generateTone, toAnnouncement, writeWav } from '@maskline/media'
import { createGuard } from '@maskline/sip'
import { openAnnouncements, type Announcements } from '../announcements/announcements.ts'
import { openLibrary } from '../announcements/library.ts'
import { numberStatusPush } from '../notifications/number-status.ts'
import { loadAreas } from '../numbers/area.ts'
import { type Log, silentLog } from '../shared/log.ts'
import type { E164 } from '../shared/e164.ts'
import { systemClock } from '../shared/time.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import { newApp } from '../tenants/app.ts'
import { announcementOperations } from './announcements.ts'
import { appOperations } from './apps.ts'
import { banOperations } from './bans.ts'
import { numberOperations } from './numbers.ts'
import { ADMIN_ERRORS } from './operation.ts'
import { smsOperations } from './sms.ts'
import { trunkOperations } from './trunks.ts'
import { type AdminApi, createAdminApi } from './server.ts'
import { endPartlySent } from '../sms/sms-test-kit.ts'

const TOKEN = 'a-token-of-the-tests'
const X = '+8617000000001'
const WAV = writeWav({ encoding: 'alaw', samples: encodeG711('alaw', generateTone(440, 0.5)) })
const A_NUMBER = '+8613800000021'

let storage: Storage
let announcements: Announcements
let api: AdminApi
let origin: string
const guard = createGuard()
const logged: unknown[] = []
const log: Log = { ...silentLog, error: (fields) => logged.push(fields) }

before(async () => {
  await loadAreas()
  storage = await openStorage({ dataDir: ':memory:', numberStatusPush })
  await storage.apps.saveApp(newApp({ key: 'axb', secret: 's1', tenantId: 't1', mode: 'AXB', name: 'shop' }))
  announcements = await openAnnouncements({
    store: storage.announcements,
    bindingTones: storage.bindingTones,
    apps: storage.apps,
    library: openLibrary('/nowhere', 'en', silentLog),
    convert: toAnnouncement,
    autoApprove: false,
    clock: systemClock,
  })
  const { apps, numbers, numberStates } = storage
  api = createAdminApi({
    config: { enabled: true, host: '127.0.0.1', port: 0 },
    token: TOKEN,
    operations: [
      ...announcementOperations(announcements, apps),
      ...appOperations({
        apps,
        numberStates,
        announcementExists: announcements.exists,
        defaults: { pushSignature: 'aksk' },
        clock: systemClock,
      }),
      ...numberOperations({ apps, numbers, numberStates, clock: systemClock }),
      ...trunkOperations({ list: () => [], test: () => undefined }),
      ...banOperations(guard),
      ...smsOperations(storage.smsDetails),
    ],
    log,
  })
  origin = `http://127.0.0.1:${(await api.listen()).port}`
})
after(async () => {
  await api.close()
  await storage.close()
  assert.deepEqual(logged, [])
})

type Documented = {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly responses: object
}
/** What the tests read of answers. */
type Body = {
  readonly bans: readonly { source: string; why: string; until: string; times: number }[]
  readonly error: { readonly code: string; readonly message: string; readonly faults: readonly string[] }
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Documented>>>>
  readonly components: {
    readonly schemas: {
      readonly Error: {
        readonly properties: { readonly error: { readonly properties: { readonly code: object } } }
      }
    }
  }
  readonly app: {
    readonly axe: { readonly noCallbackNumber: string }
    readonly controls: { readonly blockedCallers: object }
  }
  readonly apps: readonly object[]
  readonly numbers: readonly object[]
  readonly recordingEnabled: boolean
} & Readonly<
  Record<
    | 'state'
    | 'stateLabel'
    | 'reviewNote'
    | 'uploadedBy'
    | 'uploadedAt'
    | 'sha256'
    | 'key'
    | 'secret'
    | 'status'
    | 'cause',
    string
  >
>
type Answer = { readonly status: number; readonly body: Body }
const ask = async (
  method: string,
  path: string,
  body?: object | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
): Promise<Answer> => {
  const isFile = body instanceof Uint8Array
  const response = await fetch(origin + path, {
    method,
    headers: { ...headers, ...(body && { 'content-type': isFile ? 'audio/wav' : 'application/json' }) },
    ...(body && { body: isFile ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Body }
}
const faultsOf = async (...request: Parameters<typeof ask>): Promise<readonly string[]> => {
  const { status, body } = await ask(...request)
  assert.deepEqual([status, body.error.code], [400, 'INVALID'])
  return body.error.faults
}

describe('the door', () => {
  test('without the token nothing is told, and a path that is not there is told in JSON', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: TOKEN }]) {
      const { status, body } = await ask('GET', '/v1/apps', undefined, headers as Record<string, string>)
      assert.deepEqual([status, body.error.code], [401, 'UNAUTHORIZED'])
      assert.match(body.error.message, /admin\.token/)
    }
    const { status, body } = await ask('GET', '/v1/nothing')
    assert.deepEqual([status, body.error.code], [404, 'NOT_FOUND'])
  })

  test('a body that is no JSON is refused', async () => {
    const response = await fetch(`${origin}/v1/apps/axb`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: '{"name":',
    })
    assert.deepEqual([response.status, ((await response.json()) as Body).error.code], [400, 'INVALID'])
  })

  test('/openapi.json documents every operation, its parameters and its errors, and needs no token', async () => {
    const { status, body } = await ask('GET', '/openapi.json', undefined, {})
    assert.equal(status, 200)
    assert.equal(body.openapi, '3.1.0')
    const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method} ${path}`),
    )
    assert.deepEqual(operations.toSorted(), [
      'approveAnnouncement post /v1/announcements/{tenant}/{name}/approve',
      'changeApp patch /v1/apps/{key}',
      'changeNumber patch /v1/numbers/{number}',
      'createApp post /v1/apps',
      'deleteAnnouncement delete /v1/announcements/{tenant}/{name}',
      'getAnnouncement get /v1/announcements/{tenant}/{name}',
      'getAnnouncementAudio get /v1/announcements/{tenant}/{name}/audio',
      'getAnnouncementUses get /v1/announcements/{tenant}/{name}/uses',
      'getApp get /v1/apps/{key}',
      'getSms get /v1/sms/{id}',
      'importNumbers post /v1/numbers',
      'liftBan delete /v1/bans/{source}',
      'listAnnouncements get /v1/announcements',
      'listApps get /v1/apps',
      'listBans get /v1/bans',
      'listNumbers get /v1/numbers',
      'listSms get /v1/sms',
      'listTrunks get /v1/trunks',
      'rejectAnnouncement post /v1/announcements/{tenant}/{name}/reject',
      'removeNumber delete /v1/numbers/{number}',
      'replaceAnnouncement put /v1/announcements/{tenant}/{name}',
      'testTrunk post /v1/trunks/{name}/test',
      'uploadAnnouncement post /v1/announcements',
    ])
    const upload = body.paths['/v1/announcements']!.post!
    assert.deepEqual(
      upload.parameters.map((p) => [p.name, p.in, p.required]),
      [
        ['tenant', 'query', false],
        ['name', 'query', true],
        ['description', 'query', false],
        ['fileName', 'query', false],
        ['by', 'query', false],
      ],
    )
    assert.deepEqual(Object.keys(upload.responses), ['201', '400', '401', '404', '409', '413', '422'])
    assert.deepEqual(body.components.schemas.Error.properties.error.properties.code, {
      type: 'string',
      enum: Object.keys(ADMIN_ERRORS),
    })
  })
})

describe('bans of SIP', () => {
  test('one is listed with its end and lifted; another time there is none to lift', async () => {
    guard.offend({ address: '192.0.2.66', port: 5060, transport: 'udp' }, 'scanner')
    const { bans } = (await ask('GET', '/v1/bans')).body
    assert.deepEqual(
      bans.map(({ source, why, times }) => [source, why, times]),
      [['192.0.2.66', 'scanner', 1]],
    )
    assert.ok(Date.parse(bans[0]!.until) > Date.now())
    assert.deepEqual((await ask('DELETE', '/v1/bans/192.0.2.66')).body, { lifted: '192.0.2.66' })
    assert.deepEqual((await ask('GET', '/v1/bans')).body, { bans: [] })
    assert.equal((await ask('DELETE', '/v1/bans/192.0.2.66')).body.error.code, 'BAN_UNKNOWN')
  })
})

describe('announcement files', () => {
  const FILE = '/v1/announcements/t1/wait.wav'

  test('[ann.operations] one is uploaded, listed, listened to, approved, rejected, replaced and deleted', async () => {
    const taken = await ask(
      'POST',
      '/v1/announcements?name=wait.wav&fileName=w.wav&description=%E7%AD%89',
      WAV,
    )
    assert.equal(taken.status, 201)
    const { uploadedAt, sha256, ...view } = taken.body
    assert.deepEqual(view, {
      tenant: 't1',
      name: 'wait.wav',
      state: 'reviewing',
      stateLabel: '待审核',
      description: '等',
      reviewNote: '',
      uploadedBy: 'operator',
      size: WAV.length,
      durationMs: 500,
      originalName: 'w.wav',
    })
    assert.ok(uploadedAt && sha256)
    assert.deepEqual((await ask('GET', '/v1/announcements?tenant=t1')).body, { announcements: [taken.body] })
    assert.deepEqual((await ask('GET', '/v1/announcements?tenant=t2')).body, { announcements: [] })
    assert.deepEqual((await ask('GET', FILE)).body, taken.body)
    const audio = await fetch(`${origin}${FILE}/audio`, { headers: { authorization: `Bearer ${TOKEN}` } })
    assert.equal(audio.headers.get('content-type'), 'audio/wav')
    assert.deepEqual(new Uint8Array(await audio.arrayBuffer()), WAV)

    assert.equal((await ask('POST', `${FILE}/approve`, {})).body.stateLabel, '审核通过')
    assert.ok(announcements.exists({ tenantId: 't1' }, 'wait.wav'))
    const rejected = (await ask('POST', `${FILE}/reject`, { note: 'too loud' })).body
    assert.deepEqual([rejected.stateLabel, rejected.reviewNote], ['审核不通过', 'too loud'])
    assert.deepEqual(await faultsOf('POST', `${FILE}/reject`, {}), ['note is missing'])

    const replaced = await ask('PUT', `${FILE}?by=anna`, WAV)
    assert.deepEqual(
      [replaced.status, replaced.body.state, replaced.body.uploadedBy],
      [200, 'reviewing', 'anna'],
    )
    await ask('POST', `${FILE}/approve`, {})
    await ask('PATCH', '/v1/apps/axb', { noBindingTone: 'wait.wav' })
    const uses = { apps: [{ key: 'axb', name: 'shop', settings: ['noBindingTone'] }], bindings: 0 }
    assert.deepEqual((await ask('GET', `${FILE}/uses`)).body, uses)
    assert.deepEqual((await ask('DELETE', FILE)).body, uses)
    assert.equal(announcements.exists({ tenantId: 't1' }, 'wait.wav'), false)
    await ask('PATCH', '/v1/apps/axb', { noBindingTone: 'no_binding.wav' })
  })

  test('what is wrong with an upload has a code of its own', async () => {
    const codes = async (...request: Parameters<typeof ask>) => {
      const { status, body } = await ask(...request)
      assert.ok(body.error.message.length > 10)
      return [status, body.error.code]
    }
    assert.deepEqual(await codes('POST', '/v1/announcements?name=a%20b', WAV), [400, 'ANNOUNCEMENT_NAME'])
    assert.deepEqual(await codes('POST', '/v1/announcements?name=a&tenant=no', WAV), [404, 'TENANT_UNKNOWN'])
    assert.deepEqual(await codes('POST', '/v1/announcements?name=a', Uint8Array.of(1, 2)), [
      422,
      'ANNOUNCEMENT_FORMAT',
    ])
    assert.deepEqual(await codes('POST', '/v1/announcements?name=a', new Uint8Array(6 * 1024 * 1024 + 1)), [
      413,
      'ANNOUNCEMENT_TOO_LARGE',
    ])
    assert.deepEqual(await codes('POST', '/v1/announcements?name=a', new Uint8Array(7 * 1024 * 1024)), [
      413,
      'ANNOUNCEMENT_TOO_LARGE',
    ])
    await ask('POST', '/v1/announcements?name=twice.wav', WAV)
    assert.deepEqual(await codes('POST', '/v1/announcements?name=twice.wav', WAV), [
      409,
      'ANNOUNCEMENT_EXISTS',
    ])
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['PUT', ''],
      ['GET', '/audio'],
      ['GET', '/uses'],
    ] as const)
      assert.deepEqual(
        await codes(method, `/v1/announcements/t1/gone.wav${path}`, method === 'PUT' ? WAV : undefined),
        [404, 'ANNOUNCEMENT_UNKNOWN'],
      )
  })

  test('the account must be named when there are several', async () => {
    await storage.apps.saveApp(newApp({ key: 'other', secret: 's', tenantId: 't9', mode: 'AXB' }))
    const { body } = await ask('POST', '/v1/announcements?name=a.wav', WAV)
    assert.equal(body.error.code, 'TENANT_AMBIGUOUS')
    assert.match(body.error.message, /t1, t9/)
  })
})

describe('apps', () => {
  test('a new one answers its key and secret, this once', async () => {
    const { status, body } = await ask('POST', '/v1/apps', {
      tenant: 't2',
      mode: 'AXE',
      name: 'taxi',
      axe: { repeatCount: 0 },
    })
    assert.equal(status, 201)
    const stored = (await storage.apps.findApp(body.key))!
    assert.equal(stored.secret, body.secret)
    assert.ok(body.key.length >= 16 && body.secret.length >= 32)
    assert.deepEqual(
      [stored.mode, stored.tenantId, stored.axe],
      ['AXE', 't2', { extensionLength: 4, wrongEndTone: 'extension_wrong_end.wav', repeatCount: 0 }],
    )
    for (const path of [`/v1/apps/${body.key}`, '/v1/apps'])
      assert.ok(!JSON.stringify((await ask('GET', path)).body).includes(body.secret))
    assert.deepEqual((await ask('GET', '/v1/apps?tenant=t2')).body.apps, [body.app])
    const again = await ask('POST', '/v1/apps', { tenant: 't2', mode: 'AX', name: 'x', key: body.key })
    assert.deepEqual([again.status, again.body.error.code], [409, 'APP_EXISTS'])
  })

  test('settings are changed, merged and removed, and hold at once', async () => {
    const { status, body } = await ask('PATCH', '/v1/apps/axb', {
      recordingEnabled: true,
      statusUrl: 'http://customer.example/status',
      controls: { caps: { caller: { perDay: 10 } }, hours: [{ from: '08:00', to: '22:00' }] },
    })
    assert.equal(status, 200)
    assert.equal(body.recordingEnabled, true)
    await ask('PATCH', '/v1/apps/axb', {
      statusUrl: null,
      controls: { caps: { app: { perMinute: 9 } }, hours: null },
    })
    const app = (await storage.apps.findApp('axb'))!
    assert.equal('statusUrl' in app, false)
    assert.deepEqual(app.controls, { caps: { caller: { perDay: 10 }, app: { perMinute: 9 } } })
  })

  test('a tone that is gone or in review again does not stand in the way of other changes', async () => {
    const app = (await storage.apps.findApp('axb'))!
    await storage.apps.saveApp({ ...app, noBindingTone: 'gone.wav' })
    assert.equal((await ask('PATCH', '/v1/apps/axb', { status: 'suspended' })).status, 200)
    assert.deepEqual(await faultsOf('PATCH', '/v1/apps/axb', { exceptionTone: 'gone.wav' }), [
      'exceptionTone: there is no approved announcement file gone.wav',
    ])
    await storage.apps.saveApp(app)
  })

  test('a change that breaks rules is refused whole, with every fault', async () => {
    const before = await storage.apps.findApp('axb')
    assert.deepEqual(
      await faultsOf('PATCH', '/v1/apps/axb', {
        status: 'asleep',
        secret: 'mine',
        recordingEnabled: 'yes',
        axe: { repeatCount: 4 },
        controls: { hours: [{ from: '25:00' }] },
      }),
      [
        'secret is not known here',
        'status must be one of normal, suspended',
        'recordingEnabled must be boolean',
        'axe.repeatCount must be <= 3',
        'controls.hours.0.to is missing',
        'controls.hours.0.from must match pattern "^([01]\\d|2[0-3]):[0-5]\\d$"',
      ],
    )
    assert.deepEqual(
      await faultsOf('PATCH', '/v1/apps/axb', {
        exceptionTone: 'gone.wav',
        cdrUrl: 'ftp://customer.example',
        ipAllowlist: ['192.0.2.0/24', 'here'],
        axe: { noCallbackTone: 'busy.wav', noCallbackNumber: A_NUMBER },
        memoryCallback: true,
        controls: {
          zone: 'Asia/Nowhere',
          blockedCallers: ['+860000'.padEnd(9, '0').replace('+860', '+8611')],
        },
      }),
      [
        'exceptionTone: there is no approved announcement file gone.wav',
        'cdrUrl: the address is not an http or https URL',
        'ipAllowlist: here is no address and no CIDR',
        'axe is for AXE apps; this one is AXB',
        'axe.noCallbackTone and axe.noCallbackNumber exclude each other',
        'memoryCallback is for AX apps; this one is AXB',
        'controls.blockedCallers holds what is no telephone number in global form',
        'controls.zone: Asia/Nowhere is no time zone',
      ],
    )
    assert.deepEqual(await storage.apps.findApp('axb'), before)
  })

  test('names are told apart inside an account, and an X app has an address to ask', async () => {
    assert.deepEqual(await faultsOf('POST', '/v1/apps', { tenant: 't1', mode: 'X', name: 'shop' }), [
      'name: the account has another app called shop',
      'statusUrl is missing: in X mode calls are asked for there',
    ])
    assert.match(
      (await faultsOf('POST', '/v1/apps', { tenant: 't1', mode: 'AX', name: 'two words' }))[0]!,
      /^name /,
    )
    assert.equal((await ask('POST', '/v1/apps', { tenant: 't1', mode: 'AX', name: '网约车_1' })).status, 201)
  })

  test('an app that does not exist is told', async () => {
    for (const method of ['GET', 'PATCH'] as const) {
      const { status, body } = await ask(method, '/v1/apps/none', method === 'PATCH' ? {} : undefined)
      assert.deepEqual([status, body.error.code], [404, 'APP_UNKNOWN'])
    }
  })

  test('real numbers are masked in every answer', async () => {
    const { body } = await ask('POST', '/v1/apps', {
      tenant: 't3',
      mode: 'AXE',
      name: 'masked',
      axe: { noCallbackNumber: A_NUMBER },
      controls: { blockedCallers: [A_NUMBER], blockedCallees: ['+8613800000022'] },
    })
    assert.equal(body.app.axe.noCallbackNumber, '+86*********21')
    assert.deepEqual(body.app.controls.blockedCallers, ['+86*********21'])
    for (const path of [`/v1/apps/${body.key}`, '/v1/apps'])
      assert.ok(!/138000000/.test(JSON.stringify((await ask('GET', path)).body)))
    // What was shown masked cannot be written back by mistake.
    assert.match((await faultsOf('PATCH', `/v1/apps/${body.key}`, { axe: body.app.axe }))[0]!, /axe/)
  })

  test('freezing an account holds for all its apps and suspends its numbers', async () => {
    await storage.apps.saveApp(
      newApp({
        key: 'f1',
        secret: 's',
        tenantId: 'tf',
        mode: 'AXB',
        pushNumberStatus: true,
        statusUrl: 'http://customer.example/s',
      }),
    )
    await storage.apps.saveApp(newApp({ key: 'f2', secret: 's', tenantId: 'tf', mode: 'AXB' }))
    await ask('POST', '/v1/numbers', { app: 'f1', numbers: [{ number: '+8617000000009', areaCode: '755' }] })
    assert.equal((await ask('PATCH', '/v1/apps/f1', { accountStatus: 'frozen' })).status, 200)
    assert.equal((await storage.apps.findApp('f2'))?.accountStatus, 'frozen')
    const rows = await storage.outbox.due(Date.now() + 1000, 10)
    assert.match(JSON.stringify(rows), /"status\\?":\\?"9/)
  })
})

describe('X numbers', () => {
  test('are added to an app with their province, listed, and change their state', async () => {
    const { status, body } = await ask('POST', '/v1/numbers', {
      app: 'axb',
      numbers: [
        { number: '+8617000000002', areaCode: '755', smsCapable: true },
        { number: X, areaCode: '010' },
      ],
    })
    assert.deepEqual([status, body], [201, { added: 2 }])
    const listed = await ask('GET', '/v1/numbers?app=axb')
    assert.deepEqual(listed.body, {
      numbers: [
        {
          number: X,
          appKey: 'axb',
          areaCode: '010',
          province: '北京市',
          status: 'normal',
          smsCapable: false,
        },
        {
          number: '+8617000000002',
          appKey: 'axb',
          areaCode: '0755',
          province: '广东省',
          status: 'normal',
          smsCapable: true,
        },
      ],
      more: false,
    })
    const after = await ask('GET', `/v1/numbers?app=axb&after=${encodeURIComponent(X)}`)
    assert.equal(after.body.numbers.length, 1)
    const changed = await ask('PATCH', `/v1/numbers/${encodeURIComponent(X)}`, {
      status: 'unusable',
      cause: '2',
    })
    assert.deepEqual([changed.body.status, changed.body.cause], ['unusable', '2'])
    assert.deepEqual(await storage.numbers.find(X as never), changed.body)
    // Adding it again keeps its state.
    await ask('POST', '/v1/numbers', { app: 'axb', numbers: [{ number: X, areaCode: '010' }] })
    assert.equal((await storage.numbers.find(X as never))?.status, 'unusable')
  })

  test('all or none are added; one of another app only when it is said so', async () => {
    const numbers = [
      { number: '+8617000000003', areaCode: '0755' },
      { number: '1700000', areaCode: '0755' },
      { number: '+8617000000009', areaCode: '0755' },
      { number: '17000000099', areaCode: '0755' },
    ]
    assert.deepEqual(await faultsOf('POST', '/v1/numbers', { app: 'axb', numbers }), [
      'numbers.1: it is not in global form, such as +8617000000001',
      'numbers.2: +8617000000009 belongs to app f1; "move": true (--move) takes it, and its bindings are lost',
      'numbers.3: 17000000099 is not in global form, such as +8617000000099',
    ])
    assert.equal(await storage.numbers.find('+8617000000003' as never), undefined)
    await ask('POST', '/v1/numbers', { app: 'axb', move: true, numbers: [numbers[2]!] })
    assert.equal((await storage.numbers.find('+8617000000009' as never))?.appKey, 'axb')
  })

  test('[habit.27] an X is a mobile or has the fifteen digits of the range 700; what is no X is refused', async () => {
    const x700 = '+86700123456789012'
    const add = (number: string) => ({ app: 'axb', numbers: [{ number, areaCode: '0755' }] })
    assert.equal((await ask('POST', '/v1/numbers', add(x700))).status, 201)
    assert.equal((await storage.numbers.find(x700 as never))?.appKey, 'axb')
    for (const number of ['+8675528000001', '+864001234567', '+8670012345'])
      assert.equal((await faultsOf('POST', '/v1/numbers', add(number))).length, 1, number)
  })

  test('adding one again, or moving it, keeps its state and its SMS', async () => {
    const number = '+8617000000004'
    const add = (more: object) =>
      ask('POST', '/v1/numbers', { app: 'axb', numbers: [{ number, areaCode: '0755', ...more }] })
    await add({ smsCapable: true })
    await ask('PATCH', `/v1/numbers/${encodeURIComponent(number)}`, { status: 'suspended' })
    await add({})
    const { status, smsCapable } = (await storage.numbers.find(number as never))!
    assert.deepEqual([status, smsCapable], ['suspended', true])
  })

  test('one is removed, and the customer is told; twice is too often', async () => {
    const number = '+8617000000005'
    await ask('POST', '/v1/numbers', { app: 'axb', numbers: [{ number, areaCode: '0755' }] })
    const path = `/v1/numbers/${encodeURIComponent(number)}`
    assert.deepEqual((await ask('DELETE', path)).body, { removed: number })
    assert.equal(await storage.numbers.find(number as never), undefined)
    assert.equal((await ask('DELETE', path)).body.error.code, 'NUMBER_UNKNOWN')
  })

  test('faults have their codes', async () => {
    const path = `/v1/numbers/${encodeURIComponent('+8617000009999')}`
    assert.equal((await ask('PATCH', path, { status: 'normal' })).body.error.code, 'NUMBER_UNKNOWN')
    assert.deepEqual(await faultsOf('PATCH', path, { status: 'normal', cause: '1' }), [
      'cause goes with status unusable only',
    ])
    assert.deepEqual(await faultsOf('GET', '/v1/numbers'), ['app is missing'])
    assert.equal((await ask('GET', '/v1/numbers?app=none')).body.error.code, 'APP_UNKNOWN')
  })
})

describe('SMS details', () => {
  const at = Date.UTC(2024, 0, 24, 9, 6, 16, 450)
  let id = ''

  before(async () => {
    for (const [n, from] of ['+8613800000021', '+8613800000023'].entries()) {
      const received = await storage.sms.receive(
        { carrier: 'smsc-1', from, x: X as E164, coding: 'gsm7', userData: Buffer.from('hello') },
        at + n * 60_000,
        { gatherMs: 60_000, doubtAfterMs: 5_000 },
      )
      assert.ok(received.kind === 'complete')
      if (n > 0) continue
      id = received.message.id
      await endPartlySent(storage.sms, received.message)
      await storage.sms.receipt('smsc-1', { messageId: 'c-1', state: 'delivered' })
    }
  })

  test('[sms.console.details] one SMS has its numbers masked, its result and what became of each part', async () => {
    const { status, body } = await ask('GET', `/v1/sms/${id}`)
    assert.equal(status, 200)
    assert.deepEqual(body, {
      id,
      at: '2024-01-24T09:06:16.450Z',
      state: 'ended',
      app: 'axb',
      x: X,
      sender: '+86*********21',
      receiver: '+86*********22',
      binding: 'binding-1',
      direction: 1,
      carrier: 'smsc-1',
      endedAt: '2024-01-24T09:06:16.950Z',
      result: 9,
      segments: 1,
      parts: [
        {
          index: 1,
          segments: 1,
          state: 'accepted',
          carrier: 'smsc-1',
          carrierId: 'c-1',
          at: '2024-01-24T09:06:16.850Z',
          receipt: 'delivered',
        },
        {
          index: 2,
          segments: 1,
          state: 'refused',
          carrier: 'smsc-1',
          status: 69,
          at: '2024-01-24T09:06:16.950Z',
        },
      ],
    })
    const unknown = await ask('GET', '/v1/sms/no-such-id')
    assert.deepEqual([unknown.status, unknown.body.error.code], [404, 'SMS_UNKNOWN'])
  })

  test('SMS are found by number, X, app, result, binding and time, page by page', async () => {
    const found = async (query: string) => {
      const { status, body } = await ask('GET', `/v1/sms?${query}`)
      assert.equal(status, 200, query)
      const { sms, more } = body as unknown as { sms: { sender: string }[]; more: boolean }
      return [sms.map(({ sender }) => sender.slice(-2)), more]
    }
    assert.deepEqual(await found(''), [['23', '21'], false])
    assert.deepEqual(await found('limit=1'), [['23'], true])
    for (const number of ['%2B8613800000021', '+8613800000021', '13800000021', '13800000022'])
      assert.deepEqual(await found(`number=${number}`), [['21'], false], number)
    assert.deepEqual(await found('x=17000000001&app=axb'), [['21'], false])
    assert.deepEqual(await found('result=9&binding=binding-1'), [['21'], false])
    assert.deepEqual(await found('result=0'), [[], false])
    assert.deepEqual(await found('sender=13800000021&state=ended'), [['21'], false])
    assert.deepEqual(await found('receiver=13800000022'), [['21'], false])
    assert.deepEqual(await found('sender=13800000022'), [[], false])
    assert.deepEqual(await found('state=received'), [['23'], false])
    assert.deepEqual(await found('since=2024-01-24T09:07:00Z'), [['23'], false])
    assert.deepEqual(await found('until=2024-01-24T17:07:00%2B08:00'), [['21'], false])
    assert.deepEqual(await faultsOf('GET', '/v1/sms?number=hello&since=noon'), [
      'number is no telephone number',
      'since is no instant such as 2024-01-24T09:06:16Z',
    ])
    assert.equal((await ask('GET', '/v1/sms?result=14')).status, 400)
    assert.equal((await ask('GET', '/v1/sms?state=lost')).status, 400)
  })
})
