import assert from 'node:assert/strict'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, before, describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { systemClock } from '../shared/time.ts'
import { A, AXB_PATH, B, startTestApi, X, type TestApi } from './api-test-kit.ts'
import { openApiDocument, resultsOf } from './docs-document.ts'
import { CALL_STATUS, FEE, NUMBER_STATUS } from './docs-pushes.ts'
import { success } from './answers.ts'
import { optional, required, text } from './params.ts'
import { RESULTS } from './result-codes.ts'
import type { Resource } from './resource.ts'

type Json = { readonly [name: string]: Json } & { readonly [index: number]: Json }

let test: TestApi
let document: Json
before(async () => {
  test = await startTestApi({ clock: systemClock })
  const { text: json } = await test.call('GET', { path: '/docs/openapi.json', unsigned: true })
  assert.match(json, /^[\x20-\x7e]+$/)
  document = JSON.parse(json) as Json
})
after(() => test.close())

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(
      structuredClone<object>(document) as Record<string, unknown>,
    )
    assert.ok(valid, JSON.stringify(errors, null, 2))
    assert.equal(validator.version, '3.1')
  })

  it('has every path and method that the server takes, and no other', async () => {
    for (const [url, item] of Object.entries(document['paths']!)) {
      const { status, headers } = await test.call('PATCH', { path: url })
      assert.equal(status, 405, url)
      const allowed = String(headers['allow']).toLowerCase().split(', ')
      assert.deepEqual(allowed.toSorted(), Object.keys(item).toSorted(), url)
    }
  })

  it('has an operationId for each operation and push, each once', () => {
    const items = [...Object.values(document['paths']!), ...Object.values(document['webhooks']!)]
    const ids = items.flatMap((item) => Object.values(item).map(({ operationId }) => String(operationId)))
    assert.equal(new Set(ids).size, ids.length)
    assert.ok(ids.includes('bindAxb') && ids.includes('stopCall') && ids.includes('getRecordingAddress'))
  })

  it('says of each operation which codes it answers under which status, in their words', () => {
    const stop = document['paths']!['/rest/httpsessions/callStop/v2.0']!['post']!['responses']!
    assert.deepEqual(Object.keys(stop), ['200', '400', '401', '403', '500'])
    const examples = stop['500']!['content']!['application/json']!['examples']!
    assert.deepEqual(Object.keys(examples), ['1010001', '1020001', '1020002'])
    assert.deepEqual(examples['1020001'], {
      value: { resultcode: '1020001', resultdesc: 'Parameter error.' },
    })
    const record = document['paths']!['/rest/provision/voice/record/v1.0']!['get']!['responses']!
    assert.ok(record['301']!['headers']!['Location'])
    assert.equal(record['200'], undefined)
    const refused = record['403']!['content']!['application/json']!['examples']!
    assert.ok(refused['1010004'] && refused['1012007'] && !refused['1010008'] && !refused['1010029'])
  })

  it('reads the parameters of an operation off the table of its handler', () => {
    const { parameters } = document['paths']!['/rest/provision/voice/record/v1.0']!['get']!
    assert.deepEqual(parameters, [
      {
        name: 'fileName',
        in: 'query',
        required: true,
        schema: { type: 'string', minLength: 1, maxLength: 128 },
      },
      {
        name: 'recordDomain',
        in: 'query',
        required: true,
        schema: { type: 'string', minLength: 1, maxLength: 128 },
      },
    ])
    const bind =
      document['paths']![AXB_PATH]!['post']!['requestBody']!['content']!['application/json']!['schema']!
    assert.deepEqual(bind['required'], ['callerNum', 'calleeNum'])
  })

  it('describes both ways to sign', () => {
    assert.deepEqual(document['security'], [
      { authorization: [], aksk: [] },
      { authorization: [], wsse: [] },
    ])
    const { aksk, wsse } = document['components']!['securitySchemes']!
    assert.deepEqual([aksk!['name'], wsse!['name']], ['X-AKSK', 'X-WSSE'])
  })

  it('describes the pushes, and each example has no member that its schema does not know', () => {
    for (const { name, schema, example } of [CALL_STATUS, FEE, NUMBER_STATUS]) {
      assert.ok(document['webhooks']![name])
      assertKnown(schema as Json, example as Json, name)
    }
  })

  const resource = (docs: Resource['docs']): Resource => ({
    path: '/rest/new/v1.0',
    mode: 'AXYB',
    handlers: { GET: async () => success() },
    docs,
  })

  it('shows a path that is added, with the text of its own mode', () => {
    const doc = {
      id: 'new',
      summary: 'new',
      query: { a: required(text(1, 2)), b: optional(text(0, 2)) },
      codes: ['1012010'],
    }
    const paths = openApiDocument([resource({ GET: doc })])['paths'] as Json
    assert.equal(paths['/rest/new/v1.0']!['get']!['parameters']![1]!['name'], 'b')
    assert.ok(resultsOf(resource({}), doc).includes(RESULTS['403 1012010 AXYB']))
    assert.ok(resultsOf(resource({}), doc).includes(RESULTS['403 1010040']))
  })

  it('refuses a method without a doc, and a code that is not in the registry', () => {
    assert.throws(() => openApiDocument([resource({})]), /GET \/rest\/new\/v1\.0 has no doc/)
    const doc = { id: 'new', summary: 'new', codes: ['9999999'] }
    assert.throws(() => openApiDocument([resource({ GET: doc })]), /9999999/)
  })
})

function assertKnown(schema: Json, value: unknown, where: string): void {
  if (Array.isArray(value)) for (const item of value) assertKnown(schema['items']!, item, where)
  else if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) {
      const known = schema['properties']?.[name]
      assert.ok(known, `${where}.${name}`)
      assertKnown(known, member, `${where}.${name}`)
    }
}

/** What the page in the browser uses, run here on the same WebCrypto. */
type PageModule = {
  signedHeaders(credentials: { scheme: string; key: string; secret: string }): Promise<Record<string, string>>
  buildRequest(
    path: string,
    fields: readonly { name: string; in: string; schema: object; value: string }[],
  ): { target: string; body: string | undefined }
}
const page = (await import(
  pathToFileURL(path.join(import.meta.dirname, 'docs-page/request.js')).href
)) as PageModule

describe('the page at /docs', () => {
  it('is whole without the internet: everything it names is served, and nothing lies elsewhere', async () => {
    const fetched = async (url: string) => {
      const response = await fetch(`http://127.0.0.1:${test.port}${url}`)
      assert.equal(response.status, 200, url)
      assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
      return response.text()
    }
    const html = await fetched('/docs')
    const named = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, url]) => url!)
    assert.deepEqual(named, ['/docs/page.css', '/docs/page.js', '/docs/openapi.json'])
    const texts = [html, ...(await Promise.all([...named, '/docs/request.js', '/docs/'].map(fetched)))]
    for (const each of texts) assert.doesNotMatch(each, /https?:\/\/(?!127)/)
  })

  for (const scheme of ['AKSK', 'WSSE']) {
    it(`signs by ${scheme} what the API takes`, async () => {
      const { key, secret } = test.app
      const { target, body } = page.buildRequest(AXB_PATH, [
        { name: 'callerNum', in: 'body', schema: { type: 'string' }, value: A },
        { name: 'calleeNum', in: 'body', schema: { type: 'string' }, value: B },
        { name: 'relationNum', in: 'body', schema: { type: 'string' }, value: X },
        { name: 'duration', in: 'body', schema: { type: 'integer' }, value: '60' },
        { name: 'preVoice', in: 'body', schema: { type: 'object' }, value: '{"callerHintTone":"a.wav"}' },
        { name: 'userData', in: 'body', schema: { type: 'string' }, value: '' },
      ])
      const headers = await page.signedHeaders({ scheme, key, secret })
      const reply = await test.call('POST', { path: target, body, headers, unsigned: true })
      assert.equal(reply.json['resultcode'], '0')
      const bound = test.axb.binds.at(-1)
      assert.deepEqual([bound?.durationSec, bound?.preVoice?.callerHintTone], [60, 'a.wav'])

      const queried = page.buildRequest(AXB_PATH, [
        { name: 'relationNum', in: 'query', schema: { type: 'string' }, value: X },
        { name: 'pageIndex', in: 'query', schema: { type: 'integer' }, value: '' },
      ])
      assert.deepEqual(queried, { target: `${AXB_PATH}?relationNum=%2B8617000000001`, body: undefined })
      const found = await test.call('GET', { path: queried.target, headers, unsigned: true })
      assert.equal(found.status, 200)
    })
  }
})
