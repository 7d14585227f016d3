import { createHash, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import { AppError } from '../shared/app-error.ts'
import { listenFault } from '../shared/listen-fault.ts'
import type { Log } from '../shared/log.ts'
import { MOST_SOURCE_BYTES } from '../announcements/announcement.ts'
import { schemaFaults } from './faults.ts'
import { openApiDocument } from './document.ts'
import { ADMIN_ERRORS, type AdminErrorCode, InvalidRequest, members, type Operation } from './operation.ts'

export type AdminApiOptions = {
  readonly config: Config['admin']
  /** What `Authorization: Bearer` must carry. */
  readonly token: string
  readonly operations: readonly Operation[]
  readonly log: Log
}

export type AdminApi = {
  /** Opens the port. Fails with AppError `ADMIN_LISTEN`. */
  listen(): Promise<{ readonly port: number }>
  close(): Promise<void>
}

/** A little more than the largest file, so that a file too large by little is refused in its own words. */
const BODY_LIMIT = MOST_SOURCE_BYTES + 64 * 1024

/**
 * Our own API, for the operator: command line and console. JSON over HTTP; whoever has the token may do everything, so
 * it listens on this machine only by default. What a request may look like stands in the operations' schemas, which are
 * also the document at /openapi.json.
 */
export function createAdminApi({ config, token, operations, log }: AdminApiOptions): AdminApi {
  const fastify = Fastify({
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 256 },
    ajv: {
      customOptions: { allErrors: true, removeAdditional: false, coerceTypes: false, allowUnionTypes: true },
    },
  })
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const isToken = tokenCheck(token)
  fastify.addHook('onRequest', async (request, reply) => {
    if (request.url === '/openapi.json' || isToken(request.headers.authorization)) return
    reply.header('www-authenticate', 'Bearer')
    await reply.code(401).send(errorBody('UNAUTHORIZED', NO_TOKEN))
  })
  const document = openApiDocument(operations)
  fastify.get('/openapi.json', async () => document)
  for (const operation of operations) addOperation(fastify, operation)
  fastify.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(errorBody('NOT_FOUND', `there is no ${request.method} ${request.url.split('?')[0]}`)),
  )
  fastify.setErrorHandler((error: FastifyError, _request, reply) => {
    const { code, message, faults } = describe(error)
    if (code === 'INTERNAL') log.error({ err: error }, 'an admin request failed')
    return reply.code(ADMIN_ERRORS[code]).send(errorBody(code, message, faults))
  })

  return {
    async listen() {
      try {
        await fastify.listen({ host: config.host, port: config.port })
      } catch (cause) {
        const place = {
          who: 'the admin API',
          address: config.host,
          port: config.port,
          addressSetting: 'admin.host (MASKLINE_ADMIN_HOST)',
          portSetting: 'admin.port (MASKLINE_ADMIN_PORT)',
          orElse: 'switch it off with admin.enabled (MASKLINE_ADMIN=false)',
        }
        throw listenFault('ADMIN_LISTEN', place, cause)
      }
      return { port: (fastify.server.address() as AddressInfo).port }
    },
    close: () => fastify.close(),
  }
}

function addOperation(fastify: FastifyInstance, operation: Operation): void {
  const { method, path, query = {}, needs, body, handle } = operation
  fastify.route({
    method,
    url: path,
    schema: {
      querystring: members(query, needs && { required: needs }),
      ...(typeof body === 'object' && { body }),
    },
    async handler(request, reply) {
      const {
        status = 200,
        json,
        wav,
        lines,
      } = await handle({
        params: request.params as Record<string, string>,
        query: request.query as Record<string, string>,
        body: request.body,
      })
      reply.code(status)
      if (lines !== undefined) return reply.header('content-type', 'application/x-ndjson').send(lines)
      if (wav === undefined) return reply.send(json)
      return reply.header('content-type', 'audio/wav').send(Buffer.from(wav))
    },
  })
}

/** Compares in a time that tells nothing of the token. */
function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const wanted = digest(`Bearer ${token}`)
  return (authorization) => authorization !== undefined && timingSafeEqual(digest(authorization), wanted)
}

const NO_TOKEN =
  'the header Authorization: Bearer TOKEN is missing or wrong; the token is in admin.token of the data folder'

type ErrorBody = {
  readonly error: { readonly code: string; readonly message: string; readonly faults?: readonly string[] }
}

const errorBody = (code: AdminErrorCode, message: string, faults?: readonly string[]): ErrorBody => ({
  error: { code, message, ...(faults && { faults }) },
})

function describe(error: FastifyError): {
  readonly code: AdminErrorCode
  readonly message: string
  readonly faults?: readonly string[]
} {
  const faults =
    error instanceof InvalidRequest ? error.faults : error.validation && schemaFaults(error.validation)
  if (faults !== undefined) return { code: 'INVALID', message: faults.join('; '), faults }
  if (error instanceof AppError && error.code in ADMIN_ERRORS)
    return { code: error.code as AdminErrorCode, message: error.message }
  if (error.statusCode === 413)
    return { code: 'ANNOUNCEMENT_TOO_LARGE', message: 'the body has more than 6 MB, the most of an upload' }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { code: 'INVALID', message: error.message, faults: [error.message] }
  return { code: 'INTERNAL', message: 'the platform failed at this; its log says more' }
}
