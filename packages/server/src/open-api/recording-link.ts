import type { FastifyInstance, FastifyReply } from 'fastify'
import { LINK_PATH } from '../recordings/links.ts'
import type { ByteRange, RecordingEntry } from '../recordings/ports.ts'
import type { Clock } from '../shared/time.ts'
import { underStatus, type Answer } from './answers.ts'
import type { RecordingDependencies } from './recording.ts'

type LinkContext = RecordingDependencies & {
  readonly clock: Clock
  readonly send: (reply: FastifyReply, answer: Answer) => FastifyReply
}

/** A reader that takes nothing for so long has gone, ms: it would hold the file open for ever. */
const STALLED_MS = 60_000

/**
 * `GET /record/NAME.wav?…`: the audio itself, to whoever has a link that we signed, as often as they like. Other
 * authentication is not looked at: some HTTP libraries repeat their headers behind a redirect (client-habits 18).
 */
export function addRecordingLink(fastify: FastifyInstance, { recordings, clock, send }: LinkContext): void {
  const { library, links } = recordings
  fastify.route<{ Params: { object: string }; Querystring: Record<string, unknown> }>({
    method: ['GET', 'HEAD'],
    url: `${LINK_PATH}:object`,
    async handler(request, reply) {
      const now = clock.now()
      const claim = links.read(request.params.object, request.query)
      if (claim === undefined) return send(reply, underStatus(404, '403 1012007'))
      const entry = claim.until > now ? await library.find(claim.object, now) : undefined
      if (entry === undefined) return send(reply, underStatus(410, '403 1012007'))

      const { range, 'if-range': ifRange } = request.headers
      const wanted =
        ifRange === undefined || ifRange === tagOf(entry) ? readRange(range, entry.bytes) : 'whole'
      describe(reply, entry)
      if (wanted === 'outside') {
        reply.header('content-range', `bytes */${entry.bytes}`)
        return send(reply, underStatus(416, '403 1010002'))
      }
      const part = wanted === 'whole' ? undefined : wanted
      if (part !== undefined)
        reply.code(206).header('content-range', `bytes ${part.start}-${part.end}/${entry.bytes}`)
      reply.header('content-length', part === undefined ? entry.bytes : part.end - part.start + 1)
      if (request.method === 'HEAD') return reply.send()
      const file = await library.open(entry, part)
      if (file === undefined) {
        for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
        return send(reply, underStatus(410, '403 1012007'))
      }
      // Fastify destroys the stream when the client goes away; one that stays and takes nothing is cut.
      reply.raw.setTimeout(STALLED_MS, () => reply.raw.destroy())
      return reply.send(file.stream)
    },
  })
}

function describe(reply: FastifyReply, entry: RecordingEntry): void {
  reply.headers({
    'content-type': 'audio/wav',
    'accept-ranges': 'bytes',
    etag: tagOf(entry),
    'cache-control': 'no-store',
    'content-disposition': `inline; filename="${entry.object}"`,
    'x-content-type-options': 'nosniff',
  })
}

/** A recording never changes: its name is tag enough. */
const tagOf = ({ object }: RecordingEntry): string => `"${object}"`

/**
 * The one range that a `Range` header asks for, cut to the file. Several ranges, other units and what cannot be read mean
 * the whole file, as RFC 9110 section 14.2 allows.
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'whole' | 'outside' {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '') ?? []
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'outside' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return 'whole'
  return start >= size ? 'outside' : { start, end }
}
