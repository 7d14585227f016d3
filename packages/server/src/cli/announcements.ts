import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { MOST_SOURCE_BYTES } from '../announcements/announcement.ts'
import { AppError } from '../shared/app-error.ts'
import { type CommandIo, listing, need, readCommand, step, usage } from './admin-client.ts'

type View = {
  readonly tenant: string
  readonly name: string
  readonly stateLabel: string
  readonly state: string
  readonly durationMs: number
  readonly description: string
  readonly reviewNote: string
}
type UsesView = {
  readonly apps: readonly { readonly key: string; readonly settings: readonly string[] }[]
  readonly bindings: number
}

/** `maskline announcements …`: the announcement files of accounts. */
export async function runAnnouncements(
  args: string[],
  env: NodeJS.ProcessEnv,
  io: CommandIo,
): Promise<number> {
  // `--replace yes` is how it was written when it took a value.
  const own = args.filter((word, at) => !(word === 'yes' && args[at - 1] === '--replace'))
  const { words, options, flags, client } = readCommand(own, env, {
    options: ['tenant', 'name', 'description', 'note', 'out'],
    flags: ['replace'],
    words: { list: 1, upload: 2, approve: 2, reject: 2, delete: 2, uses: 2, download: 2 },
  })
  const replacing = flags.has('replace')
  const say = (text: string): void => void io.stdout.write(text)
  const list = async (): Promise<readonly View[]> => {
    const query = options.tenant === undefined ? '' : `?tenant=${step(options.tenant)}`
    return (await client.json('GET', `/v1/announcements${query}`)).announcements as View[]
  }
  /** Path of a file; the account is looked up when it was not named. */
  const pathOf = async (name: string): Promise<string> => {
    const found = (await list()).filter((view) => view.name === name)
    if (found.length > 1)
      throw usage(`name the account with --tenant: ${found.map(({ tenant }) => tenant).join(', ')}`)
    if (found.length === 0)
      throw new AppError('ANNOUNCEMENT_UNKNOWN', `there is no announcement file ${name}`)
    return `/v1/announcements/${step(found[0]!.tenant)}/${step(name)}`
  }

  switch (need(words, 0, 'what to do with announcements')) {
    case 'list': {
      const rows = (await list()).map((view) => [
        view.tenant,
        view.name,
        `${view.state} ${view.stateLabel}`,
        `${(view.durationMs / 1000).toFixed(1)} s`,
        view.reviewNote === '' ? view.description : `${view.description} [${view.reviewNote}]`,
      ])
      const none = 'There are no announcement files; `maskline announcements upload` brings one.'
      say(listing(['ACCOUNT', 'NAME', 'STATE', 'LENGTH', 'DESCRIPTION [NOTE]'], rows, none))
      return 0
    }
    case 'upload': {
      const file = need(words, 1, 'the file')
      const fileName = path.basename(file)
      const { name = fileName, tenant, description } = options
      const query = new URLSearchParams({
        ...(!replacing && { name, ...(tenant !== undefined && { tenant }) }),
        fileName,
        ...(description !== undefined && { description }),
      })
      const target = replacing ? await pathOf(name) : '/v1/announcements'
      const view = (await client.send(
        replacing ? 'PUT' : 'POST',
        `${target}?${query}`,
        readSource(file),
      )) as unknown as View
      say(`${view.name} of account ${view.tenant}: ${view.state} ${view.stateLabel}\n`)
      return 0
    }
    case 'approve': {
      const name = need(words, 1, 'the name')
      await client.json(
        'POST',
        `${await pathOf(name)}/approve`,
        options.note === undefined ? {} : { note: options.note },
      )
      say(`${name} is approved; callers hear it from now on\n`)
      return 0
    }
    case 'reject': {
      const name = need(words, 1, 'the name')
      if (options.note === undefined) throw usage('--note, the reason, is missing')
      await client.json('POST', `${await pathOf(name)}/reject`, { note: options.note })
      say(`${name} is rejected\n`)
      return 0
    }
    case 'delete': {
      const name = need(words, 1, 'the name')
      const uses = (await client.json('DELETE', await pathOf(name))) as unknown as UsesView
      say(`${name} is deleted. ${usesText(uses)}\n`)
      return 0
    }
    case 'uses': {
      const name = need(words, 1, 'the name')
      say(`${usesText((await client.json('GET', `${await pathOf(name)}/uses`)) as unknown as UsesView)}\n`)
      return 0
    }
    case 'download': {
      const name = need(words, 1, 'the name')
      const out = options.out ?? name
      writeFile(out, await client.bytes(`${await pathOf(name)}/audio`))
      say(`${out} written\n`)
      return 0
    }
    default:
      throw usage(`announcements does not know "${words[0]}"`)
  }
}

function usesText({ apps, bindings }: UsesView): string {
  if (apps.length === 0 && bindings === 0) return 'Nothing names it.'
  const named = apps.map(({ key, settings }) => `app ${key} (${settings.join(', ')})`)
  return `It is named by ${[...named, `${bindings} bindings`].join(', ')}.`
}

/** Reads a file to upload. One too large is not sent: the platform would break off before all of it has gone. */
function readSource(file: string): Uint8Array {
  const bytes = attempt('FILE_UNREADABLE', `cannot read ${file}`, () => readFileSync(file))
  if (bytes.length > MOST_SOURCE_BYTES)
    throw new AppError(
      'ANNOUNCEMENT_TOO_LARGE',
      `${file} has ${bytes.length} bytes; an upload has at most ${MOST_SOURCE_BYTES} (6 MB)`,
    )
  return new Uint8Array(bytes)
}

const writeFile = (file: string, bytes: Uint8Array): void =>
  attempt('FILE_UNWRITABLE', `cannot write ${file}`, () => writeFileSync(file, bytes))

/** Does something with a file; a failure is told in a sentence with the system's code. */
function attempt<T>(code: string, what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    throw new AppError(code, `${what} (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}
