import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createCustomerServer } from './customer-server.ts'
import type { CustomerServer } from './customer-server.ts'

const SECRET = 'demo secret'
const NONCE = '0123456789abcdef0123456789abcdef'
const NOW = Date.UTC(2026, 0, 24, 2, 30, 30)
const CREATED = '2026-01-24T02:30:30Z'

const aksk = (created = CREATED) =>
  createHmac('sha256', SECRET)
    .update(NONCE + created)
    .digest('base64')
const wsse = () =>
  createHash('sha256')
    .update(NONCE + CREATED + SECRET)
    .digest('base64')
const token = (digest: string, created = CREATED) =>
  `UsernameToken Username="demoKey",PasswordDigest="${digest}",Nonce="${NONCE}",Created="${created}"`
const scheme = (name: string) => `${name} realm="SDP",profile="UsernameToken",type="Appkey"`

const signed = { Authorization: scheme('AKSK'), 'X-AKSK': token(aksk()) }
const CALLIN =
  '{"eventType":"callin","statusInfo":{"timestamp":"2026-01-24 02:30:03","sessionId":"s1","caller":"+8613800000021","called":"+8617000000001"}}'
const fee = (answer: string, reason: number) =>
  `{"direction":1,"spId":"demo_sp","appKey":"demoKey","icid":"i.1.1.1","bindNum":"+8617000000001","sessionId":"s1","callerNum":"+8613800000021","calleeNum":"+8617000000001","fwdDisplayNum":"+8617000000001","fwdDstNum":"+8613800000022","callInTime":"2026-01-24 02:30:03","fwdStartTime":"2026-01-24 02:30:03","fwdAnswerTime":"${answer}","callEndTime":"2026-01-24 02:30:22","fwdUnaswRsn":0,"ulFailReason":${reason},"sipStatusCode":0,"callOutUnaswRsn":0,"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"004","hostName":"pn01.example","voiceCheckType":0}`
const feePush = (answer: string, reason = 0) => `{"eventType":"fee","feeLst":[${fee(answer, reason)}]}`
const NOTIFY =
  '{"appKey":"demoKey","smsEvent":{"smsIdentifier":"id-1","notificationMode":"Notify","calling":"+8613800000021","called":"+8613800000022","virtualNumber":"+8617000000001","event":"Text SMS ","timeStamp":"2026-01-24T02:30:16.450Z","subscriptionId":"example-id-1","extInfo":{"extParas":[{"key":"splitNum","value":"1"},{"key":"direction","value":"1"}]},"sendResult":0}}'
const BLOCK = NOTIFY.replace('"Notify"', '"Block"')
  .replace('"called":"+8613800000022",', '')
  .replace(',"sendResult":0', '')

async function customer(t: TestContext): Promise<CustomerServer> {
  const server = await createCustomerServer({ apps: { demoKey: SECRET }, now: () => NOW })
  t.after(() => server.close())
  return server
}

function push(
  server: { url: string },
  body: string,
  headers: Record<string, string> = signed,
): Promise<Response> {
  return fetch(`${server.url}/status`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json;charset=UTF-8', ...headers },
  })
}

describe('the customer server', () => {
  it('keeps valid events and CDRs in the order of arrival and answers 200', async (t) => {
    const server = await customer(t)
    assert.equal((await push(server, CALLIN)).status, 200)
    assert.equal((await push(server, feePush('2026-01-24 02:30:06'))).status, 200)
    assert.deepEqual(server.faults, [])
    assert.deepEqual(
      server.events.map(({ eventType, statusInfo }) => [eventType, statusInfo.sessionId]),
      [['callin', 's1']],
    )
    assert.equal(server.fees[0]?.fwdAnswerTime, '2026-01-24 02:30:06')
    assert.equal(server.pushes[0]?.app, 'demoKey')
  })

  it('keeps what it is told of SMS, and answers what it is asked as it decided', async (t) => {
    const server = await customer(t)
    assert.equal(await (await push(server, BLOCK)).text(), '')
    server.decideSms(({ calling }) => ({ actions: [{ operation: 'DiscardMessage', userData: calling }] }))
    const answer = await (await push(server, BLOCK)).text()
    assert.equal(answer, '{"actions":[{"operation":"DiscardMessage","userData":"+8613800000021"}]}')
    assert.equal(await (await push(server, NOTIFY)).text(), '')
    assert.deepEqual(server.faults, [])
    assert.deepEqual(
      server.sms.map(({ notificationMode, sendResult }) => [notificationMode, sendResult]),
      [
        ['Block', undefined],
        ['Block', undefined],
        ['Notify', 0],
      ],
    )
  })

  const signatures: readonly (readonly [string, Record<string, string>])[] = [
    ['AKSK', signed],
    ['WSSE', { Authorization: scheme('WSSE'), 'X-WSSE': token(wsse()) }],
    ['AKSK with an extra X-WSSE', { ...signed, 'X-WSSE': token(wsse()) }],
  ]
  for (const [what, headers] of signatures) {
    it(`accepts ${what}`, async (t) => {
      const server = await customer(t)
      await push(server, CALLIN, headers)
      assert.deepEqual(server.faults, [])
    })
  }

  const late = '2026-01-24T10:30:30Z'
  const forged: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['no signature', {}, /Authorization is missing/],
    ['a wrong digest', { ...signed, 'X-AKSK': token(wsse()) }, /wrong digest/],
    [
      'a wrong digest in the extra header',
      { ...signed, 'X-WSSE': token(aksk()) },
      /X-WSSE has a wrong digest/,
    ],
    ['blanks after commas', { ...signed, 'X-AKSK': token(aksk()).replaceAll(',', ', ') }, /in this order/],
    ['local time', { ...signed, 'X-AKSK': token(aksk(late), late) }, /is not now/],
    ['an unknown app', { ...signed, 'X-AKSK': token(aksk()).replace('demoKey', 'other') }, /unknown app/],
    ['another content type', { ...signed, 'Content-Type': 'application/json' }, /Content-Type/],
  ]
  for (const [what, headers, fault] of forged) {
    it(`finds fault with ${what}`, async (t) => {
      const server = await customer(t)
      await push(server, CALLIN, headers)
      assert.match(server.faults.join(), fault)
    })
  }

  const bodies: readonly (readonly [string, string, RegExp])[] = [
    ['blanks in JSON', CALLIN.replace(':', ': '), /compact/],
    ['a field nobody knows', CALLIN.replace('}}', ',"x":1}}'), /x is unknown/],
    [
      'fields out of order',
      CALLIN.replace(/("caller":"[^"]*"),("called":"[^"]*")/, '$2,$1'),
      /caller is missing/,
    ],
    ['an ISO time', CALLIN.replace('2026-01-24 02', '2026-01-24T02'), /timestamp/],
    ['a number without +', CALLIN.replace('+8613', '8613'), /caller is not a valid number/],
    ['0/0 for an unanswered call', feePush(''), /not answered/],
    ['an integer as text', feePush('', 8102).replace('"recordFlag":0', '"recordFlag":"0"'), /recordFlag/],
    ['feeLst as an object', feePush('').replace('[', '').replace(']', ''), /feeLst/],
    ['no JSON', 'callin', /JSON/],
    ['an SMS without an app', NOTIFY.replace('demoKey', ''), /appKey/],
    ['an SMS that is neither told nor asked', NOTIFY.replace('"Notify"', '"Tell"'), /notificationMode/],
    ['an SMS without a result', NOTIFY.replace(',"sendResult":0', ''), /sendResult is missing/],
    ['a result that is none', NOTIFY.replace('"sendResult":0', '"sendResult":14'), /sendResult/],
    ['a question with a result', NOTIFY.replace('"Notify"', '"Block"'), /sendResult is unknown/],
    [
      'a question that knows the answer',
      NOTIFY.replace('"Notify"', '"Block"').replace(/,"sendResult":0/, ''),
      /called/,
    ],
    ['an SMS in seconds', NOTIFY.replace('16.450Z', '16Z'), /timeStamp/],
    ['a count that is no text', NOTIFY.replace('"value":"1"', '"value":1'), /extInfo/],
    ['SMS extras out of order', NOTIFY.replace('splitNum', 'direction'), /extInfo/],
  ]
  for (const [what, body, fault] of bodies) {
    it(`finds fault with ${what}`, async (t) => {
      const server = await customer(t)
      await push(server, body)
      assert.match(server.faults.join(), fault)
      assert.equal(server.events.length + server.fees.length + server.sms.length, 0)
    })
  }

  it('fails as told and keeps only what it accepted', async (t) => {
    const server = await customer(t)
    server.misbehave({ status: 503, times: 1 })
    server.misbehave({ drop: true, times: 1 })
    assert.equal((await push(server, CALLIN)).status, 503)
    await assert.rejects(push(server, CALLIN))
    assert.equal((await push(server, CALLIN)).status, 200)
    assert.deepEqual(
      server.pushes.map(({ status }) => status),
      [503, undefined, 200],
    )
    assert.equal(server.events.length, 1)
  })

  it('misbehaves only for the pushes a rule names, until told to behave', async (t) => {
    const server = await customer(t)
    server.misbehave({ when: ({ body }) => body.includes('fee'), status: 500 })
    assert.equal((await push(server, CALLIN)).status, 200)
    assert.equal((await push(server, feePush('', 8102))).status, 500)
    server.behave()
    assert.equal((await push(server, feePush('', 8102))).status, 200)
  })

  it('tells waiters of an arrival before it answers', async (t) => {
    const server = await customer(t)
    let release = (): void => {}
    server.misbehave({ until: new Promise((resolve) => (release = resolve)) })
    const answer = push(server, CALLIN)
    await server.waitFor(({ events }) => events.length === 1)
    release()
    assert.equal((await answer).status, 200)
  })

  it('says what it has when a wait is in vain', async (t) => {
    const server = await customer(t)
    await push(server, CALLIN)
    await assert.rejects(
      server.waitFor(({ fees }) => fees.length > 0, 'no CDR came', 0),
      /no CDR came: 1 events, 0 CDRs/,
    )
  })
})

it('the load receiver verifies and counts, and reports when it is stopped', async (t) => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, '0', `demoKey=${SECRET}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const output = createInterface(child.stdout)[Symbol.asyncIterator]()
  const { port } = JSON.parse((await output.next()).value ?? '')
  const server = { url: `http://127.0.0.1:${port}` }
  const created = new Date().toISOString().replace(/\.\d+/, '')
  const headers = { ...signed, 'X-AKSK': token(aksk(created), created) }
  for (const body of [CALLIN, feePush('', 8102), feePush('', 8102), 'nonsense'])
    await push(server, body, headers)
  await push(server, CALLIN, signed)
  child.kill('SIGTERM')
  const report = JSON.parse((await output.next()).value ?? '')
  await once(child, 'exit')
  assert.equal(report.requests, 5)
  assert.deepEqual([report.counts.callin, report.counts.fee], [1, 2])
  assert.deepEqual([report.calls, report.duplicates, report.faultCount], [1, 1, 2])
})
