import { CALL_STATUS, FEE, NUMBER_STATUS, type Push } from './docs-pushes.ts'
import { schemaOf, type JsonSchema } from './params.ts'
import { RESULTS, type Result, type ResultKey } from './result-codes.ts'
import type { ApiMethod, OperationDoc, Resource } from './resource.ts'

/**
 * The OpenAPI 3.1 document of the customer-facing API. Paths, parameters and result codes come from the tables that the
 * handlers themselves read with, so it cannot tell another story than they do. Throws when a handler has no doc, or a doc
 * names a result code that there is not: the platform does not start then, nor do its tests pass.
 */
export function openApiDocument(resources: readonly Resource[]): JsonSchema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Maskline',
      version: '0.1.0',
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(resources.map(tagOf))].map((name) => ({ name })),
    security: [
      { authorization: [], aksk: [] },
      { authorization: [], wsse: [] },
    ],
    paths: Object.fromEntries(resources.map((resource) => [resource.path, pathItem(resource)])),
    webhooks: Object.fromEntries([CALL_STATUS, FEE, NUMBER_STATUS].map((push) => [push.name, webhook(push)])),
    components: { securitySchemes: SECURITY },
  }
}

const INTRODUCTION = [
  'Numbers are in global form, such as `+8613800000021`; in a query `+` is written `%2B`.',
  'Every answer is JSON with `resultcode`, a text, and `resultdesc`; `"0"` is success.',
  'Every request is signed with the APP_Key and APP_Secret of an application, in one of two ways:',
  '`AKSK` (PasswordDigest = Base64(HMAC-SHA256(APP_Secret, Nonce + Created)))',
  'or the older `WSSE` (Base64(SHA256(Nonce + Created + APP_Secret))). Created is UTC, `yyyy-MM-ddTHH:mm:ssZ`.',
  'Pushes to your servers are signed in the same way, with the secret of your own application.',
].join('\n')

const TOKEN = 'UsernameToken Username="<APP_Key>",PasswordDigest="<digest>",Nonce="<nonce>",Created="<time>"'

const header = (name: string, description: string): JsonSchema => ({
  type: 'apiKey',
  in: 'header',
  name,
  description,
})

const SECURITY: JsonSchema = {
  authorization: header(
    'Authorization',
    'AKSK or WSSE, then realm="SDP",profile="UsernameToken",type="Appkey"',
  ),
  aksk: header('X-AKSK', `${TOKEN}; digest = Base64(HMAC-SHA256(APP_Secret, Nonce + Created))`),
  wsse: header('X-WSSE', `${TOKEN}; digest = Base64(SHA256(Nonce + Created + APP_Secret))`),
}

const tagOf = ({ mode }: Resource): string => mode ?? 'All modes'

function pathItem(resource: Resource): JsonSchema {
  const methods = Object.keys(resource.handlers) as ApiMethod[]
  return Object.fromEntries(
    methods.map((method) => {
      const doc = resource.docs[method]
      if (doc === undefined) throw new Error(`${method} ${resource.path} has no doc`)
      return [method.toLowerCase(), operation(resource, doc)]
    }),
  )
}

function operation(resource: Resource, doc: OperationDoc): JsonSchema {
  const { query = {}, body } = doc
  return {
    operationId: doc.id,
    summary: doc.summary,
    tags: [tagOf(resource)],
    parameters: Object.entries(query).map(([name, { read, required }]) => ({
      name,
      in: 'query',
      required,
      schema: read.schema,
    })),
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } },
    }),
    responses: { ...success(doc), ...failures(resultsOf(resource, doc)) },
  }
}

const DESCRIPTION: JsonSchema = { type: 'string', maxLength: 256 }

function success({ answer, redirects }: OperationDoc): JsonSchema {
  if (redirects !== undefined) {
    const location = { description: redirects, required: true, schema: { type: 'string', format: 'uri' } }
    return { 301: { description: 'Success: no JSON.', headers: { Location: location } } }
  }
  const schema = {
    type: 'object',
    required: ['resultcode', 'resultdesc'],
    properties: { resultcode: { const: '0' }, resultdesc: DESCRIPTION, ...answer },
  }
  return { 200: { description: 'Success', content: { 'application/json': { schema } } } }
}

/** Codes of every operation (spec/auth-and-errors.md section 6.1), but for those that depend on the resource. */
const COMMON = (Object.keys(RESULTS) as ResultKey[]).filter(
  (key) => key.startsWith('400 ') || key.startsWith('401 '),
)

/** Every result that an operation can give but success, in the order of status and code. */
export function resultsOf({ mode, barred }: Resource, { codes }: OperationDoc): readonly Result[] {
  const frozen = barred?.frozen ?? '403 1010029'
  const keys = new Set<ResultKey>([
    ...COMMON,
    '403 1010003',
    barred?.suspended ?? '403 1010008',
    ...(frozen === 'served' ? [] : [frozen]),
    ...(mode === undefined ? [] : (['403 1010040'] as const)),
    '403 1010010',
    '403 1020166',
    '403 1020176',
    '500 1010001',
    ...codes.map((code) => keyOf(code, mode)),
  ])
  return [...keys].toSorted().map((key) => RESULTS[key])
}

function keyOf(code: string, mode: string | undefined): ResultKey {
  const key = [`403 ${code} ${mode}`, `403 ${code}`, `500 ${code}`].find((each) =>
    Object.hasOwn(RESULTS, each),
  )
  if (key === undefined) throw new Error(`a doc names result code ${code}, which is not in the registry`)
  return key as ResultKey
}

function failures(results: readonly Result[]): JsonSchema {
  const byStatus = Map.groupBy(results, ({ status }) => status)
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, failure(group)]))
}

function failure(results: readonly Result[]): JsonSchema {
  const schema = {
    type: 'object',
    required: ['resultcode', 'resultdesc'],
    properties: { resultcode: { enum: results.map(({ code }) => code) }, resultdesc: DESCRIPTION },
  }
  const examples = Object.fromEntries(
    results.map(({ code, text }) => [
      code,
      {
        value: {
          resultcode: code,
          resultdesc: code === '1010002' ? `${text} <parameter> is invalid.` : text,
        },
      },
    ]),
  )
  return {
    description: results.map(({ code, text }) => `- \`${code}\` ${text}`).join('\n'),
    content: { 'application/json': { schema, examples } },
  }
}

function webhook({ name, summary, schema, example, answer }: Push): JsonSchema {
  return {
    post: {
      operationId: name,
      summary,
      requestBody: { required: true, content: { 'application/json': { schema, example } } },
      responses: {
        200: {
          description:
            'Taken. Any 2xx will do; all else is tried again after 1, 4, 9, 106, 203 and 300 minutes.',
          ...(answer !== undefined && { content: { 'application/json': { schema: answer } } }),
        },
      },
    },
  }
}
