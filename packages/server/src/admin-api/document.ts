import { ADMIN_ERRORS, type Operation, type Schema } from './operation.ts'

/** The OpenAPI 3.1 document of the admin API, made from the operations themselves. */
export function openApiDocument(operations: readonly Operation[]): Schema {
  const paths: Record<string, Record<string, Schema>> = {}
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}')
    const methods = (paths[path] ??= {})
    methods[operation.method.toLowerCase()] = describe(operation)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Maskline admin API', version: '1' },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'admin.token of the data folder' },
      },
      schemas: { Error: ERROR },
    },
  }
}

const ERROR: Schema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string', enum: Object.keys(ADMIN_ERRORS) },
        message: { type: 'string', description: 'for people' },
        faults: { type: 'array', items: { type: 'string' }, description: 'of INVALID: every one' },
      },
    },
  },
}

function describe({ id, path, summary, query = {}, needs = [], body, success, errors }: Operation): Schema {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(query).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: needs.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))
  const { schema } = success
  return {
    operationId: id,
    summary,
    tags: [path.split('/')[2]],
    parameters: [...inPath, ...inQuery],
    ...(body !== undefined && { requestBody: { required: true, content: bodyContent(body) } }),
    responses: {
      [success.status]: {
        description: success.says,
        ...(schema !== undefined && {
          content: successContent(schema),
        }),
      },
      ...failures([...errors, 'INVALID', 'UNAUTHORIZED']),
    },
  }
}

function successContent(schema: NonNullable<Operation['success']['schema']>): Schema {
  if (schema === 'wav') return { 'audio/wav': {} }
  return 'lines' in schema
    ? { 'application/x-ndjson': { schema: schema.lines } }
    : { 'application/json': { schema } }
}

const bodyContent = (body: Schema | 'file'): Schema =>
  body === 'file'
    ? { 'audio/wav': {}, 'audio/mpeg': {}, 'application/octet-stream': {} }
    : { 'application/json': { schema: body } }

function failures(codes: readonly (keyof typeof ADMIN_ERRORS)[]): Schema {
  const byStatus = Map.groupBy(codes, (code) => ADMIN_ERRORS[code])
  const error = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [status, { description: named.join(', '), content: error }]),
  )
}
