import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { S3Options } from './s3-store.ts'

/**
 * A small S3 server for tests: PUT, GET with Range, DELETE in one bucket, path-style. It verifies SigV4 by a reading of its
 * own of the published rules, which is held to the examples that AWS gives in its documentation (s3-signature.test.ts).
 */

export type SignedRequest = {
  readonly method: string
  /** Path and query as on the wire. */
  readonly target: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** The signature that a request must carry, from its own `Authorization`: credential scope and signed headers. */
export function signatureOf({ method, target, headers }: SignedRequest, secret: string): string {
  const { scope, signedHeaders } = authorizationOf(headers)
  const [path = '', query = ''] = target.split('?')
  const canonical = [
    method,
    path,
    query
      .split('&')
      .filter((part) => part !== '')
      .map((part) => (part.includes('=') ? part : `${part}=`))
      .toSorted()
      .join('&'),
    ...signedHeaders.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedHeaders.join(';'),
    String(headers['x-amz-content-sha256']),
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, toSign).toString('hex')
}

export function authorizationOf(headers: SignedRequest['headers']) {
  const text = String(headers['authorization'])
  const part = (name: string): string => new RegExp(`${name}=([^, ]+)`).exec(text)?.[1] ?? ''
  const [accessKeyId = '', ...scope] = part('Credential').split('/')
  return {
    accessKeyId,
    scope: scope.join('/'),
    signedHeaders: part('SignedHeaders').split(';'),
    signature: part('Signature'),
  }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

export type TestS3 = {
  readonly options: S3Options
  /** `METHOD path` of every request, in order. */
  readonly seen: string[]
  /** Status that the next requests get instead of an answer, one each. */
  readonly stumbles: number[]
  close(): Promise<void>
}

export async function startS3(): Promise<TestS3> {
  const objects = new Map<string, Buffer>()
  const seen: string[] = []
  const stumbles: number[] = []
  const secretAccessKey = 'made-up-secret-of-the-store'

  const faultOf = (request: IncomingMessage, body: Buffer): string | undefined => {
    const { headers, method = '', url = '' } = request
    const { accessKeyId, scope, signedHeaders, signature } = authorizationOf(headers)
    if (accessKeyId !== 'MADEUPKEY') return 'InvalidAccessKeyId'
    if (!/^\d{8}\/cn-north-1\/s3\/aws4_request$/.test(scope)) return 'AuthorizationHeaderMalformed'
    const mustSign = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'))
    if (!mustSign.every((name) => signedHeaders.includes(name))) return 'AccessDenied'
    if (signature !== signatureOf({ method, target: url, headers }, secretAccessKey))
      return 'SignatureDoesNotMatch'
    const declared = String(headers['x-amz-content-sha256'])
    if (declared !== 'UNSIGNED-PAYLOAD' && declared !== sha256(body)) return 'XAmzContentSHA256Mismatch'
    return undefined
  }

  const answer = (request: IncomingMessage, body: Buffer, response: ServerResponse): void => {
    const { method = '', url = '', headers } = request
    seen.push(`${method} ${url}`)
    const stumble = stumbles.shift()
    if (stumble !== undefined) return refuse(response, stumble, 'SlowDown')
    const fault = faultOf(request, body)
    if (fault !== undefined) return refuse(response, 403, fault)
    if (!url.startsWith('/calls/')) return refuse(response, 404, 'NoSuchBucket')
    if (method === 'PUT') {
      if (headers['content-length'] === undefined) return refuse(response, 411, 'MissingContentLength')
      objects.set(url, body)
      response.end()
    } else if (method === 'DELETE') {
      objects.delete(url)
      response.writeHead(204).end()
    } else sendObject(objects.get(url), headers.range, response)
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, Buffer.concat(chunks), response))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    options: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'cn-north-1',
      bucket: 'calls',
      accessKeyId: 'MADEUPKEY',
      secretAccessKey,
    },
    seen,
    stumbles,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function sendObject(object: Buffer | undefined, range: string | undefined, response: ServerResponse): void {
  if (object === undefined) return refuse(response, 404, 'NoSuchKey')
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  if (first === undefined)
    return void response.writeHead(200, { 'content-length': object.length }).end(object)
  const part = object.subarray(Number(first), Number(last) + 1)
  response.writeHead(206, {
    'content-length': part.length,
    'content-range': `bytes ${first}-${last}/${object.length}`,
  })
  response.end(part)
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`)
}
