import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { AXB_PATH, startTestApi, type TestApi } from './api-test-kit.ts'

/** Every response in a stream of bytes: a status line of its own, JSON bodies only. */
function assertCleanHttp(received: string): void {
  if (received === '') return
  assert.match(received, /^HTTP\/1\.1 [1-5]\d\d /)
  const body = received.slice(received.indexOf('\r\n\r\n') + 4)
  if (body !== '' && !received.startsWith('HTTP/1.1 100'))
    assert.match(body, /^\{"resultcode":"\d+","resultdesc":"/)
}

describe('hostile input on the API port', () => {
  let test: TestApi
  before(async () => (test = await startTestApi()))
  after(() => test.close())
  const stillServes = async () =>
    assert.equal((await test.call('GET', { query: '?subscriptionId=s' })).status, 200)

  it('answers random bytes with clean HTTP or closes, and goes on serving', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 400, size: 'max' })
    await fc.assert(
      fc.asyncProperty(bytes, async (data) => assertCleanHttp(await test.raw(Buffer.from(data)))),
      { numRuns: 100 },
    )
    await stillServes()
  })

  it('answers random header values and bodies with JSON, and goes on serving', async () => {
    const value = fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)),
      maxLength: 80,
    })
    const name = fc.constantFrom(
      'Authorization',
      'X-AKSK',
      'X-WSSE',
      'Content-Type',
      'Expect',
      'Connection',
      'X-Other',
    )
    const headers = fc.array(fc.tuple(name, value), { maxLength: 6 })
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'BREW')
    await fc.assert(
      fc.asyncProperty(method, headers, value, async (verb, lines, body) => {
        const head = lines.map(([key, text]) => `${key}: ${text}\r\n`).join('')
        const length = `Content-Length: ${body.length}\r\nHost: h\r\n`
        assertCleanHttp(
          await test.raw(
            Buffer.from(`${verb} ${AXB_PATH} HTTP/1.1\r\n${length}${head}\r\n${body}`, 'latin1'),
          ),
        )
      }),
      { numRuns: 150 },
    )
    await stillServes()
  })

  it('answers any JSON value as the body of a signed bind or modify with 200 or 403', async () => {
    const member = fc.constantFrom(
      'callerNum',
      'calleeNum',
      'relationNum',
      'duration',
      'preVoice',
      'userData',
      'areaCode',
    )
    const body = fc.oneof(
      fc.json(),
      fc.dictionary(member, fc.jsonValue()).map((value) => JSON.stringify(value)),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('POST', 'PUT'), body, async (method, json) => {
        const { status } = await test.call(method, { body: json })
        assert.ok(status === 200 || status === 403, `${status} to ${json}`)
      }),
      { numRuns: 150 },
    )
    await stillServes()
  })

  it('answers any query string of a signed query or unbind with 200 or 403', async () => {
    const pair = fc.tuple(
      fc.constantFrom('subscriptionId', 'relationNum', 'callerNum', 'pageIndex', '__proto__', '%zz', ''),
      fc.stringMatching(/^[A-Za-z0-9%+&=.\-[\]]{0,40}$/),
    )
    const query = fc
      .array(pair, { maxLength: 5 })
      .map((pairs) => `?${pairs.map((p) => p.join('=')).join('&')}`)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('GET', 'DELETE'), query, async (method, text) => {
        const { status } = await test.call(method, { query: text })
        assert.ok(status === 200 || status === 403, `${status} to ${text}`)
      }),
      { numRuns: 150 },
    )
    await stillServes()
  })
})
