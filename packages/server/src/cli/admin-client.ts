import path from 'node:path'
import { parseArgs } from 'node:util'
import { readAdminToken } from '../admin-api/token.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../shared/app-error.ts'
import { lastStart } from './lab.ts'
import { loadFromOptions } from './options.ts'

/** What a command of the admin API writes to. */
export type CommandIo = { readonly stdout: { write(text: string | Uint8Array): unknown } }

/** Talks to the admin API of the platform that runs on a data folder. */
export type AdminClient = {
  json(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** Sends a file. */
  send(method: string, path: string, file: Uint8Array): Promise<Record<string, unknown>>
  bytes(path: string): Promise<Uint8Array>
  /** The lines of an answer as they come; `onOpen` is told when it begins. */
  lines(path: string, onOpen: () => void): AsyncIterable<string>
}

/** A command of words and `--options`, with those of every command (`--data`, `--config`) taken out. */
export type AdminCommand = {
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | undefined>>
  /** The options without a value that were given. */
  readonly flags: ReadonlySet<string>
  readonly client: AdminClient
  readonly config: Config
}

/** What a command knows. */
export type CommandShape = {
  /** Options with a value. */
  readonly options: readonly string[]
  /** Options without one. */
  readonly flags?: readonly string[]
  /** The most words, by the first. */
  readonly words: Readonly<Record<string, number>>
}

/** Reads a command line. Throws AppError `USAGE` for an option that the command does not know and for a word too many. */
export function readCommand(args: string[], env: NodeJS.ProcessEnv, shape: CommandShape): AdminCommand {
  const { flags = [] } = shape
  const options = Object.fromEntries([
    ...['data', 'config', ...shape.options].map((name) => [name, { type: 'string' as const }] as const),
    ...flags.map((name) => [name, { type: 'boolean' as const }] as const),
  ])
  let parsed: { readonly values: Record<string, unknown>; readonly positionals: string[] }
  try {
    parsed = parseArgs({ args, options, allowPositionals: true })
  } catch (cause) {
    throw usage((cause as Error).message)
  }
  const { data, config, ...rest } = parsed.values as Record<string, string | undefined>
  const words = parsed.positionals
  const surplus = words[shape.words[words[0] ?? ''] ?? Infinity]
  if (surplus !== undefined) throw usage(`"${surplus}" is a word too many`)
  const settings = loadFromOptions({ data, config }, env)
  return {
    words,
    options: rest,
    flags: new Set(flags.filter((name) => name in rest)),
    client: clientOf(settings),
    config: settings,
  }
}

export const usage = (what: string): AppError =>
  new AppError('USAGE', `${what}; \`npm run maskline -- help\` lists what there is`)

/** The word at a place of the command line, or a fault that says what is missing. */
export function need(words: readonly string[], at: number, what: string): string {
  const word = words[at]
  if (word === undefined) throw usage(`${what} is missing`)
  return word
}

/** `a/b` as one step of a path. */
export const step = (text: string): string => encodeURIComponent(text)

function clientOf(config: Config): AdminClient {
  const ask = async (
    method: string,
    target: string,
    headers: Record<string, string>,
    body?: string | Uint8Array<ArrayBuffer>,
  ) => {
    const token = readAdminToken(config.dataDir)
    const { host, port } = lastStart(config)?.admin ?? config.admin
    let response: Response
    try {
      response = await fetch(`http://${urlHost(host)}:${port}${target}`, {
        method,
        headers: { ...headers, authorization: `Bearer ${token}` },
        ...(body !== undefined && { body }),
      })
    } catch (cause) {
      const why = (cause as { cause?: NodeJS.ErrnoException }).cause?.code ?? (cause as Error).message
      if (BROKEN_OFF.has(why))
        throw new AppError('BROKEN_OFF', `the platform at ${host}:${port} broke the request off (${why})`, {
          cause,
        })
      throw new AppError(
        'NO_PLATFORM',
        `no platform answers at ${host}:${port} (${why}); \`npm start\` runs one, --data DIR names the folder of another`,
        { cause },
      )
    }
    if (response.ok) return response
    if (response.status === 401 && response.headers.get('www-authenticate') === 'Bearer')
      throw new AppError(
        'UNAUTHORIZED',
        `the platform at ${host}:${port} does not take the token of ${path.resolve(config.dataDir)}: it runs on another data folder, which --data DIR names`,
      )
    throw await refusal(response)
  }
  const parsed = async (response: Response) => (await response.json()) as Record<string, unknown>
  return {
    json: async (method, path, body) =>
      parsed(
        body === undefined
          ? await ask(method, path, {})
          : await ask(method, path, { 'content-type': 'application/json' }, JSON.stringify(body)),
      ),
    send: async (method, path, file) =>
      parsed(await ask(method, path, { 'content-type': 'application/octet-stream' }, new Uint8Array(file))),
    bytes: async (path) => new Uint8Array(await (await ask('GET', path, {})).arrayBuffer()),
    async *lines(path, onOpen) {
      const { body } = await ask('GET', path, {})
      onOpen()
      let rest = ''
      try {
        for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop()!
          yield* lines
        }
      } catch (cause) {
        throw new AppError('BROKEN_OFF', 'the platform broke the answer off: it was stopped, perhaps', {
          cause,
        })
      }
    },
  }
}

/** Codes of a connection that stood and was closed before the answer. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'UND_ERR_SOCKET'])

/** A wildcard listens on this machine too; an IPv6 address stands in brackets. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

async function refusal(response: Response): Promise<AppError> {
  const { error } = (await response.json().catch(() => ({}))) as {
    error?: { code: string; message: string; faults?: readonly string[] }
  }
  if (error === undefined)
    return new AppError('NO_PLATFORM', `what answers there is no Maskline (HTTP ${response.status})`)
  const { code, message, faults = [] } = error
  return new AppError(code, faults.length > 1 ? `refused:\n  - ${faults.join('\n  - ')}` : message)
}

/** Rows under heads, in columns as wide as they need. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows]
  const widths = heads.map((_, i) => Math.max(...all.map((row) => widthOf(row[i] ?? ''))))
  return all
    .map((row) =>
      row
        .map((cell, i) => cell + ' '.repeat(widths[i]! - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** The same for a list that may be empty, which `none` says in a sentence. */
export const listing = (
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  none: string,
): string => (rows.length === 0 ? `${none}\n` : table(heads, rows))

/** Columns on a terminal: a Chinese character takes two. */
const widthOf = (cell: string): number =>
  [...cell].reduce((sum, char) => sum + (/[\u2e80-\u9fff\uff00-\uffef]/.test(char) ? 2 : 1), 0)
