import { type CommandIo, listing, need, readCommand, step, usage } from './admin-client.ts'

type AppView = Readonly<Record<'key' | 'tenant' | 'mode' | 'name' | 'status' | 'accountStatus', string>>
type NumberView = Readonly<Record<'number' | 'areaCode' | 'status', string>> & { readonly cause?: string }

/** `maskline apps …`. */
export async function runApps(args: string[], env: NodeJS.ProcessEnv, io: CommandIo): Promise<number> {
  const { words, options, client } = readCommand(args, env, {
    options: ['tenant'],
    words: { list: 1, show: 2 },
  })
  const show = (value: unknown): void => void io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
  switch (need(words, 0, 'what to do with apps')) {
    case 'list': {
      const { apps } = (await client.json('GET', '/v1/apps')) as { apps: AppView[] }
      io.stdout.write(
        listing(
          ['KEY', 'ACCOUNT', 'MODE', 'NAME', 'STATUS', 'ACCOUNT STATUS'],
          apps.map((app) => [app.key, app.tenant, app.mode, app.name, app.status, app.accountStatus]),
          'There are no apps; `maskline apps create` makes one.',
        ),
      )
      return 0
    }
    case 'show':
      show(await client.json('GET', `/v1/apps/${step(need(words, 1, 'the key'))}`))
      return 0
    case 'create': {
      const mode = need(words, 1, 'the mode').toUpperCase()
      const name = need(words, 2, 'the name')
      const { tenant } = options
      if (tenant === undefined) throw usage('--tenant, the account, is missing')
      const settings = readSettings(words.slice(3))
      const { key, secret } = await client.json('POST', '/v1/apps', { ...settings, tenant, mode, name })
      io.stdout.write(`key     ${String(key)}\nsecret  ${String(secret)}\n`)
      return 0
    }
    case 'set': {
      const key = need(words, 1, 'the key')
      need(words, 2, 'field=value')
      show(await client.json('PATCH', `/v1/apps/${step(key)}`, readSettings(words.slice(2))))
      return 0
    }
    default:
      throw usage(`apps does not know "${words[0]}"`)
  }
}

/** `noBindingTone=wait.wav axe.repeatCount=1 statusUrl=` as a merge patch. */
export function readSettings(assignments: readonly string[]): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const assignment of assignments) {
    const at = assignment.indexOf('=')
    if (at < 1) throw usage(`"${assignment}" is not field=value`)
    const path = assignment.slice(0, at).split('.')
    let node = patch
    for (const name of path.slice(0, -1)) node = (node[name] ??= {}) as Record<string, unknown>
    node[path.at(-1)!] = valueOf(assignment.slice(at + 1))
  }
  return patch
}

/** JSON where it is JSON, else text; nothing removes. */
function valueOf(text: string): unknown {
  if (text === '') return null
  if (!/^(?:true|false|-?\d+(?:\.\d+)?|[[{"].*)$/s.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** `maskline numbers …`. */
export async function runNumbers(args: string[], env: NodeJS.ProcessEnv, io: CommandIo): Promise<number> {
  const { words, options, flags, client } = readCommand(args, env, {
    options: ['cause'],
    flags: ['move', 'sms'],
    words: { list: 2, status: 3 },
  })
  switch (need(words, 0, 'what to do with numbers')) {
    case 'list': {
      const app = need(words, 1, 'the key of the app')
      const rows: string[][] = []
      for (let after = '', more = true; more;) {
        const page = await client.json('GET', `/v1/numbers?app=${step(app)}&after=${step(after)}`)
        const numbers = page.numbers as NumberView[]
        rows.push(...numbers.map((x) => [x.number, x.areaCode, x.status, x.cause ?? '']))
        after = numbers.at(-1)?.number ?? ''
        more = page.more as boolean
      }
      const none = `The app ${app} has no numbers; \`maskline numbers add\` gives it some.`
      io.stdout.write(listing(['NUMBER', 'AREA', 'STATUS', 'CAUSE'], rows, none))
      return 0
    }
    case 'add': {
      const app = need(words, 1, 'the key of the app')
      const areaCode = need(words, 2, 'the city code')
      need(words, 3, 'a number')
      const sms = flags.has('sms') && { smsCapable: true }
      const numbers = words.slice(3).map((number) => ({ number, areaCode, ...sms }))
      const { added } = await client.json('POST', '/v1/numbers', { app, numbers, move: flags.has('move') })
      io.stdout.write(`${String(added)} numbers added to ${app}\n`)
      return 0
    }
    case 'status': {
      const number = need(words, 1, 'the number')
      const status = need(words, 2, 'the status')
      const cause = options.cause === undefined ? {} : { cause: options.cause }
      const x = await client.json('PATCH', `/v1/numbers/${step(number)}`, { status, ...cause })
      io.stdout.write(`${String(x.number)} is ${String(x.status)}\n`)
      return 0
    }
    default:
      throw usage(`numbers does not know "${words[0]}"`)
  }
}
