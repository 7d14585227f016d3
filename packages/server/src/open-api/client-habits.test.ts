import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { A, AXB_PATH, B, NOW, startTestApi, X, type TestApi } from './api-test-kit.ts'
import { signHeaders } from './signing.ts'

const BIND = JSON.stringify({ callerNum: A, calleeNum: B, relationNum: X })
const ID = 's-1'

let test: TestApi
before(async () => (test = await startTestApi()))
after(() => test.close())
beforeEach(() => {
  for (const list of [test.axb.binds, test.axb.unbinds, test.axb.modifies, test.axb.queries]) list.length = 0
})

const SUCCESS = /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\{"resultcode":"0","resultdesc":"Success"/

/** Rows of spec/client-habits.md. */
describe('client habits: requests', () => {
  it('[habit.2] [auth.header.Nonce] takes nonces of 13 hex digits, 32 hex digits and UUIDs without dashes', async () => {
    const { key, secret } = test.app
    for (const nonce of ['5f1e2d3c4b5a6', '0123456789abcdef0123456789abcdef', 'A'.repeat(128)]) {
      const headers = signHeaders({ scheme: 'WSSE', key, secret, now: NOW, nonce })
      assert.equal((await test.call('GET', { headers, query: '?subscriptionId=s' })).status, 200)
    }
  })

  it('[habit.3] takes a Created in Beijing time with a literal Z', async () => {
    const { key, secret } = test.app
    const headers = signHeaders({ scheme: 'WSSE', key, secret, now: NOW + 8 * 3_600_000, nonce: 'n' })
    assert.equal((await test.call('GET', { headers, query: '?subscriptionId=s' })).status, 200)
  })

  it('[habit.5] DELETE and GET with a JSON content type and no body', async () => {
    for (const method of ['DELETE', 'GET']) {
      const { status } = await test.call(method, { query: `?subscriptionId=${ID}` })
      assert.equal(status, 200, method)
    }
    assert.deepEqual(test.axb.unbinds, [{ subscriptionId: ID }])
  })

  it('[habit.5] GET with a urlencoded body under a JSON content type', async () => {
    const body = 'subscriptionId=other'
    const { status } = await test.call('GET', {
      query: `?subscriptionId=${ID}`,
      body,
      headers: { 'Content-Length': String(body.length) },
    })
    assert.equal(status, 200)
    assert.equal(test.axb.queries[0]?.subscriptionId, ID)
  })

  for (const body of ['{"subscriptionId":"other"}', '{broken', 'null', '']) {
    it(`[habit.5] DELETE with the stale body ${JSON.stringify(body)}: the query wins`, async () => {
      const headers = { 'Content-Length': String(body.length) }
      const { status } = await test.call('DELETE', { query: `?subscriptionId=${ID}`, body, headers })
      assert.equal(status, 200)
      assert.deepEqual(test.axb.unbinds, [{ subscriptionId: ID }])
    })
  }

  it('[habit.5] DELETE with a body that has no length is answered, then the connection closes', async () => {
    const head = `DELETE ${AXB_PATH}?subscriptionId=${ID} HTTP/1.1\r\nHost: h\r\n${test.signedLines()}\r\n`
    const answer = await test.raw(`${head}{"subscriptionId":"other"}`)
    assert.match(answer, SUCCESS)
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
    assert.deepEqual(test.axb.unbinds, [{ subscriptionId: ID }])
  })

  it('[habit.5] HTTP/1.0 without a Host header', async () => {
    const answer = await test.raw(
      `GET ${AXB_PATH}?subscriptionId=${ID} HTTP/1.0\r\n${test.signedLines()}\r\n`,
    )
    assert.match(answer, SUCCESS)
    assert.match(answer, /\r\nConnection: close\r\n/i)
  })

  it('[habit.5] [auth.rule.shortConnection] [faq.72] a connection is closed after its answer, unless the client asks to keep it', async () => {
    const lines = `${test.signedLines()}Host: api.example\r\n`
    const request = `GET ${AXB_PATH}?subscriptionId=${ID} HTTP/1.1\r\n${lines}`
    assert.match(await test.raw(`${request}Connection: close\r\n\r\n`), /\r\nConnection: close\r\n/i)
    assert.match(await test.raw(`${request}\r\n`), /\r\nConnection: close\r\n/i)
    const kept = `${request}Connection: Keep-Alive\r\n\r\n`
    const two = await test.raw(`${kept}${request}\r\n`)
    assert.equal(two.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
    assert.match(two, /\r\nKeep-Alive: timeout=5\r\n/i)
  })

  it('[habit.5] [auth.rule.shortConnection] short connections can be switched on: the server closes first', async () => {
    const short = await startTestApi({ config: { shortConnections: true } })
    try {
      const socket = connect(short.port, '127.0.0.1')
      socket.write(
        `GET ${AXB_PATH}?subscriptionId=${ID} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n${short.signedLines()}\r\n`,
      )
      socket.resume()
      await once(socket, 'close')
    } finally {
      await short.close()
    }
  })

  for (const contentType of [
    undefined,
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF8',
    'APPLICATION/JSON;CHARSET="utf-8"',
    'application/json;charset',
    'text/plain;charset=GBK',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'nonsense',
    ';;=,',
    '',
  ]) {
    it(`[habit.5] [auth.rule.contentType] a bind under Content-Type ${contentType === undefined ? '(absent)' : JSON.stringify(contentType)}`, async () => {
      const { status } = await test.call('POST', { body: BIND, headers: { 'Content-Type': contentType } })
      assert.equal(status, 200)
    })
  }

  it('[habit.5] a chunked body, and one behind Expect: 100-continue', async () => {
    const lines = `POST ${AXB_PATH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${test.signedLines()}`
    const size = BIND.length.toString(16)
    assert.match(
      await test.raw(`${lines}Transfer-Encoding: chunked\r\n\r\n${size}\r\n${BIND}\r\n0\r\n\r\n`),
      SUCCESS,
    )
    const length = `Content-Length: ${BIND.length}\r\n`
    const continued = await test.raw(`${lines}${length}Expect: 100-continue\r\n\r\n${BIND}`)
    assert.match(continued, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    assert.match(await test.raw(`${lines}${length}Expect: something\r\n\r\n${BIND}`), SUCCESS)
  })

  it('[habit.6] JSON null counts as not given, of duplicate keys the last counts', async () => {
    const body = `{"callerNum":"rubbish","callerNum":"${A}","calleeNum":"${B}","duration":null,"userData":null,"preVoice":null}`
    assert.equal((await test.call('POST', { body })).status, 200)
    assert.equal(test.axb.binds[0]?.callerNum, A)
    assert.equal(test.axb.binds[0]?.durationSec, 0)
    assert.equal(test.axb.binds[0]?.userData, undefined)
  })

  it('[habit.7] [auth.rule.plus] [faq.71] a number in the query with %2B, with a bare plus, and with a blank', async () => {
    for (const number of ['%2B8617000000001', '+8617000000001', '%208617000000001']) {
      await test.call('GET', { query: `?relationNum=${number}` })
      assert.equal(test.axb.queries.at(-1)?.relationNum, X)
    }
  })

  it('[auth.rule.invalidUtf8] takes a body in broken UTF-8 or behind a byte-order mark', async () => {
    const broken = Buffer.concat([
      Buffer.from(`\ufeff{"callerNum":"${A}","calleeNum":"${B}","userData":"`),
      Buffer.from([0xe8, 0xae, 0xff, 0x80]),
      Buffer.from('"}'),
    ])
    const { status, text, json } = await test.call('POST', { body: broken })
    assert.equal(status, 200)
    assert.match(text, /^[\x20-\x7e]+$/)
    assert.match(String(json['userData']), /\ufffd/)
  })

  it('[auth.rule.slashes] takes doubled and trailing slashes of a carelessly joined address', async () => {
    for (const path of [`/${AXB_PATH}`, `${AXB_PATH}/`]) {
      assert.equal((await test.call('GET', { path, query: '?subscriptionId=s' })).status, 200)
    }
  })

  it('[habit.12] answers 4xx in JSON to headers a program got wrong', async () => {
    const line = (header: string) =>
      `GET ${AXB_PATH} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${header}\r\n\r\n`
    for (const header of [
      'Authorization',
      ': x',
      'Authorization AKSK',
      'X-AKSK: a\r\n\tb',
      'Content-Length: -1',
      'a\0b: c',
    ]) {
      const answer = await test.raw(line(header))
      assert.match(answer, /^HTTP\/1\.1 400 [^\r]+\r\n/, header)
      assert.match(answer, /\r\n\r\n\{"resultcode":"10\d+","resultdesc":"[\x20-\x7e]+"\}$/, header)
    }
  })
})

describe('client habits: answers', () => {
  it('[habit.13] [auth.rule.envelope.resultcode] resultcode is always a string', async () => {
    for (const options of [{ query: '?subscriptionId=s' }, { unsigned: true }, { path: '/' }]) {
      assert.equal(typeof (await test.call('GET', options)).json['resultcode'], 'string')
    }
  })

  it('[habit.14] bind answers subscriptionId, relationNum and an integer duration', async () => {
    const { json } = await test.call('POST', { body: BIND })
    assert.equal(typeof json['subscriptionId'], 'string')
    assert.equal(json['relationNum'], X)
    assert.equal(json['duration'], 0)
  })

  it('[habit.17] [auth.rule.answerType] sends no byte-order mark and says its length and type', async () => {
    const { text, headers } = await test.call('POST', { body: BIND })
    assert.equal(text[0], '{')
    assert.equal(headers['content-type'], 'application/json;charset=utf-8')
    assert.equal(headers['content-length'], String(text.length))
  })

  const json = async (
    what: string,
    status: number,
    answer: Promise<{ status: number; json: Record<string, unknown> }>,
  ) => {
    const reply = await answer
    assert.equal(reply.status, status, what)
    assert.deepEqual(Object.keys(reply.json), ['resultcode', 'resultdesc'], what)
    assert.match(String(reply.json['resultdesc']), /^[\x20-\x7e]{1,256}$/)
  }

  it('[habit.19] [auth.rule.unknownPath] [faq.68] JSON on unknown paths', async () => {
    for (const path of [
      '/',
      '/rest',
      '/rest/caas/relationnumber/partners/v2.0',
      '/%ff',
      '/%zz',
      '/a%2fb',
      `/${'x'.repeat(3000)}`,
    ]) {
      await json(path, 404, test.call('GET', { path }))
    }
  })

  it('[habit.19] JSON and 405 on methods that the path does not have', async () => {
    for (const method of ['PATCH', 'OPTIONS', 'PROPFIND', 'QUERY', 'TRACE']) {
      const reply = test.call(method)
      await json(method, 405, reply)
      assert.equal((await reply).headers['allow'], 'POST, DELETE, PUT, GET')
    }
    assert.equal((await test.call('HEAD')).status, 405)
  })

  it('[habit.19] JSON on CONNECT, and on an upgrade that nobody offers', async () => {
    assert.match(await test.raw('CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n'), /^HTTP\/1\.1 405 [^]+"1010002"/)
    const upgrade = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    assert.match(await test.raw(upgrade), /^HTTP\/1\.1 404 [^]+"1010002"/)
  })

  it('[habit.19] JSON on a body that is nested without end', async () => {
    await json('nested', 403, test.call('POST', { body: '['.repeat(60_000) }))
    await json('number', 403, test.call('POST', { body: BIND.replace('{', '{"duration":1e999,') }))
  })

  it('[habit.19] JSON on a body that is too large, with a length and chunked', async () => {
    const body = JSON.stringify({ userData: 'x'.repeat(70_000) })
    await json('length', 413, test.call('POST', { body, headers: { 'Content-Length': String(body.length) } }))
    await json('chunked', 413, test.call('POST', { body, headers: { 'Transfer-Encoding': 'chunked' } }))
  })

  it('[habit.19] JSON on a header that is too large', async () => {
    await json('header', 431, test.call('GET', { headers: { 'X-Large': 'x'.repeat(20_000) } }))
  })
})
