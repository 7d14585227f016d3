import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import { ascii } from './answers.ts'
import { openApiDocument } from './docs-document.ts'
import type { Resource } from './resource.ts'

const FOLDER = path.join(import.meta.dirname, 'docs-page')
/** The page loads nothing from elsewhere and talks to nobody but the platform. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'media-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * `/docs/openapi.json`, and at `/docs` a page that shows it and sends requests, signed in the browser. Open to everybody:
 * it says nothing of any customer. Throws when a resource is not described.
 */
export function addDocs(fastify: FastifyInstance, resources: readonly Resource[]): void {
  const serve = (url: string, type: string, body: string): void => {
    fastify.get(url, (_request, reply) => {
      reply.headers({
        'content-type': type,
        'cache-control': 'no-cache',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      })
      return reply.send(body)
    })
  }
  const file = (name: string): string => readFileSync(path.join(FOLDER, name), 'utf8')
  serve(
    '/docs/openapi.json',
    'application/json;charset=utf-8',
    ascii(JSON.stringify(openApiDocument(resources))),
  )
  serve('/docs', 'text/html;charset=utf-8', file('index.html'))
  serve('/docs/page.css', 'text/css;charset=utf-8', file('page.css'))
  for (const script of ['page.js', 'request.js'])
    serve(`/docs/${script}`, 'text/javascript;charset=utf-8', file(script))
}
