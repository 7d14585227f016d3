import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { parseArgs } from 'node:util'
import { signHeaders } from '../open-api/signing.ts'
import { AppError } from '../shared/app-error.ts'
import { urlHost } from './admin-client.ts'
import { lastStart } from './lab.ts'
import { loadFromOptions } from './options.ts'

const USAGE = `maskline api METHOD PATH [JSON | name=value …] --key APP_KEY --secret APP_SECRET

  Sends one signed request to the API and prints the answer. With GET and DELETE the parameters go into the
  query string, with POST and PUT into a JSON body. Exit code 0 means resultcode 0.

  --url URL       address of the API (default: that of the platform on the data folder, over HTTP)
  --data DIR      data folder (default ./data)
  --config FILE   JSON file of settings, as for other commands
  --wsse          sign with X-WSSE as older programs do (default X-AKSK)
  --insecure      take any TLS certificate (a self-signed one)
  --print-curl    print the curl command instead of sending; its signature is good for a day

  maskline api POST /rest/caas/relationnumber/partners/v1.0 --key K --secret S \\
    callerNum=+8613800000021 calleeNum=+8613800000022 relationNum=+8617000000001
`

const OPTIONS = {
  key: { type: 'string' },
  secret: { type: 'string' },
  url: { type: 'string' },
  data: { type: 'string' },
  config: { type: 'string' },
  wsse: { type: 'boolean', default: false },
  insecure: { type: 'boolean', default: false },
  'print-curl': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const TIMEOUT_MS = 30_000

export type ApiCallIo = {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

type SignedRequest = {
  readonly method: string
  readonly url: URL
  readonly headers: Record<string, string>
  readonly body: string | undefined
  readonly insecure: boolean
}

type Received = { readonly status: number; readonly location: string | undefined; readonly text: string }

/** A fault of the command line, in words for the person who typed it. */
class UsageError extends Error {}

/** `maskline api …`. Resolves to the exit code: 0 resultcode 0, 1 another answer or none, 2 a wrong command line. */
export async function runApiCall(args: string[], env: NodeJS.ProcessEnv, io: ApiCallIo): Promise<number> {
  let request: SignedRequest
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
    if (values.help) {
      io.stdout.write(USAGE)
      return 0
    }
    request = buildRequest(values, positionals, env)
    if (values['print-curl']) {
      io.stdout.write(`${curlCommand(request)}\n`)
      return 0
    }
  } catch (error) {
    // Of the configuration.
    if (error instanceof AppError) throw error
    io.stderr.write(`maskline api: ${(error as Error).message}; see \`npm run maskline -- api --help\`\n`)
    return 2
  }
  try {
    return printAnswer(await send(request), io)
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    const advice = /SELF_SIGNED|CERT/.test(why)
      ? 'its certificate is not one that this machine trusts; add --insecure to go on all the same'
      : 'is it running there?'
    io.stderr.write(`maskline api: no answer from ${request.url.origin} (${why}); ${advice}\n`)
    return 1
  }
}

type Settings = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>['values']

function buildRequest(
  settings: Settings,
  [methodWord, path, ...rest]: string[],
  env: NodeJS.ProcessEnv,
): SignedRequest {
  if (methodWord === undefined || path === undefined) throw new UsageError('METHOD and PATH are missing')
  const { key, secret } = settings
  if (key === undefined || secret === undefined) throw new UsageError('--key and --secret are missing')
  const method = methodWord.toUpperCase()
  const inQuery = method === 'GET' || method === 'DELETE'
  const params = readParameters(rest)
  const url = targetOf(settings.url ?? platformUrl(settings, env), path)
  if (inQuery) {
    for (const [name, value] of Object.entries(params)) {
      url.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value))
    }
  }
  const scheme = settings.wsse ? 'WSSE' : 'AKSK'
  const nonce = randomUUID().replaceAll('-', '')
  const headers = signHeaders({ scheme, key, secret, now: Date.now(), nonce })
  const body = inQuery ? undefined : JSON.stringify(params)
  return { method, url, headers, body, insecure: settings.insecure }
}

/** Where the platform on the data folder was last started, else where it would be. */
function platformUrl(settings: Settings, env: NodeJS.ProcessEnv): string {
  const config = loadFromOptions(settings, env)
  const { httpPort } = lastStart(config)?.api ?? config.api
  return `http://${urlHost(config.api.host)}:${httpPort}`
}

/** The path may carry a query of its own; a `+` in it stays a plus sign. */
function targetOf(base: string, path: string): URL {
  const text = base.replace(/\/+$/, '') + (path.startsWith('/') ? path : `/${path}`)
  if (!URL.canParse(text)) throw new UsageError(`${text} is no URL; --url wants http://HOST:PORT`)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UsageError('--url wants http or https')
  url.search = url.search.replaceAll('+', '%2B')
  return url
}

/** One JSON object, or any number of `name=value`, whose values travel as strings. */
function readParameters(words: readonly string[]): Record<string, unknown> {
  const params: Record<string, unknown> = {}
  for (const word of words) {
    if (word.trimStart().startsWith('{')) {
      Object.assign(params, parseObject(word))
      continue
    }
    const at = word.indexOf('=')
    if (at < 1) throw new UsageError(`"${word}" is neither a JSON object nor name=value`)
    params[word.slice(0, at)] = word.slice(at + 1)
  }
  return params
}

function parseObject(word: string): object {
  try {
    return JSON.parse(word) as object
  } catch (error) {
    throw new UsageError(`the JSON text is broken: ${(error as Error).message}`)
  }
}

function curlCommand({ method, url, headers, body, insecure }: SignedRequest): string {
  const lines = [`curl -X ${method} ${insecure ? '-k ' : ''}${quoted(url.href)}`]
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (body !== undefined) lines.push(`-d ${quoted(body)}`)
  return lines.join(' \\\n  ')
}

/** Single quotes for a POSIX shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function send({ method, url, headers, body, insecure }: SignedRequest): Promise<Received> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { ...headers, Connection: 'close' },
      timeout: TIMEOUT_MS,
      agent: false as const,
    }
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, rejectUnauthorized: !insecure })
        : httpRequest(url, options)
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error(`silent for ${TIMEOUT_MS / 1000} s`)))
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, text })
      })
    })
    request.end(body)
  })
}

function printAnswer({ status, location, text }: Received, { stdout }: ApiCallIo): number {
  stdout.write(`HTTP ${status}\n`)
  if (location !== undefined) stdout.write(`Location: ${location}\n`)
  const answer = parseAnswer(text)
  stdout.write(`${answer === undefined ? text : JSON.stringify(answer, undefined, 2)}\n`)
  return answer?.resultcode === '0' ? 0 : 1
}

function parseAnswer(text: string): { readonly resultcode?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
