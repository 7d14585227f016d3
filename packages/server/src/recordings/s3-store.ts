import { createHash } from 'node:crypto'
import { createReadStream, openAsBlob } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import { AppError } from '../shared/app-error.ts'
import type { RecordingKey, RecordingStore } from './ports.ts'

export type S3Options = {
  /** `https://s3.eu-central-1.amazonaws.com`, `http://minio.example:9000`. */
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  /** Put before every key: `recordings/`. */
  readonly prefix?: string | undefined
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** How long an upload may take, ms. */
  readonly putLimitMs?: number
}

/** Pauses before the second and third attempt of an upload, ms; after that the caller waits longer. */
const PAUSES_MS = [250, 1000]
const PUT_LIMIT_MS = 300_000
/** Until the answer begins, ms; the audio itself may take its time. */
const ANSWER_LIMIT_MS = 15_000

/**
 * Recordings in an S3-compatible object store, under `PREFIX BUCKET/NAME` of its one bucket. Addresses are path-style, which
 * every such store takes; requests are signed with SigV4. One PUT with a known length and the SHA-256 of the content: it
 * is there whole or not at all, and the store refuses what was damaged on the way.
 */
export function createS3Store(options: S3Options): RecordingStore {
  const { region, accessKeyId, secretAccessKey, putLimitMs = PUT_LIMIT_MS } = options
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 })
  const base = `${options.endpoint.replace(/\/+$/, '')}/${options.bucket}/${options.prefix ?? ''}`
  const urlOf = ({ bucket, object }: RecordingKey): string => `${base}${bucket}/${object}`

  const ask = async (url: string, init: RequestInit): Promise<Response> => {
    try {
      return await client.fetch(url, init)
    } catch (cause) {
      throw unreachable(url, cause)
    }
  }

  const upload = async (url: string, file: string, sha256: string): Promise<void> => {
    const answer = await ask(url, {
      method: 'PUT',
      body: await openAsBlob(file),
      headers: { 'content-type': 'audio/wav', 'x-amz-content-sha256': sha256 },
      signal: AbortSignal.timeout(putLimitMs),
    })
    if (!answer.ok) throw await refused('PUT', url, answer)
    await answer.body?.cancel()
  }

  return {
    async put(key, file) {
      const url = urlOf(key)
      const sha256 = await sha256Of(file)
      for (let attempt = 0; ; attempt++) {
        try {
          await upload(url, file, sha256)
          break
        } catch (error) {
          if (attempt === PAUSES_MS.length) throw error
          await pause(PAUSES_MS[attempt])
        }
      }
      await rm(file, { force: true })
    },
    async open(key, range) {
      const url = urlOf(key)
      const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end}` } : {}
      const giveUp = new AbortController()
      const limit = setTimeout(() => giveUp.abort(), ANSWER_LIMIT_MS)
      const answer = await ask(url, { headers, signal: giveUp.signal }).finally(() => clearTimeout(limit))
      if (answer.status === 404) {
        await answer.body?.cancel()
        return undefined
      }
      if (!answer.ok || answer.body === null) throw await refused('GET', url, answer)
      return { stream: Readable.fromWeb(answer.body), size: sizeOf(answer) }
    },
    async delete(key) {
      const url = urlOf(key)
      const answer = await ask(url, { method: 'DELETE', signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
      if (!answer.ok && answer.status !== 404) throw await refused('DELETE', url, answer)
      await answer.body?.cancel()
    },
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Size of the whole object: after the slash of `Content-Range: bytes 0-9/100`, else the length. */
function sizeOf({ headers }: Response): number {
  const whole = headers.get('content-range')?.split('/')[1] ?? headers.get('content-length')
  return Number(whole)
}

const unreachable = (url: string, cause: unknown): AppError =>
  new AppError('RECORDING_STORE', `the recording store cannot be reached for ${url}: ${reasonOf(cause)}`, {
    cause,
  })

/** fetch says "fetch failed" and keeps the reason as its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

/** The store's own word for its refusal stands in its XML: `<Code>AccessDenied</Code>`. */
async function refused(method: string, url: string, answer: Response): Promise<AppError> {
  const xml = await answer.text().catch(() => '')
  const code = /<Code>(\w+)<\/Code>/.exec(xml)?.[1] ?? answer.statusText
  return new AppError(
    'RECORDING_STORE',
    `the recording store refuses ${method} ${url}: ${answer.status} ${code}`,
  )
}
