import { type CommandIo, listing, need, readCommand, step, usage } from './admin-client.ts'

type BanRow = {
  readonly source: string
  readonly why: string
  readonly until: string
  readonly times: number
}

/** `maskline bans list | lift ADDRESS`. */
export async function runBans(args: string[], env: NodeJS.ProcessEnv, io: CommandIo): Promise<number> {
  const { words, client } = readCommand(args, env, { options: [], words: { list: 1, lift: 2 } })
  switch (need(words, 0, 'what to do with bans')) {
    case 'list': {
      const { bans } = (await client.json('GET', '/v1/bans')) as { bans: BanRow[] }
      const rows = bans.map(({ source, why, until, times }) => [source, why, until, String(times)])
      io.stdout.write(listing(['SOURCE', 'WHY', 'UNTIL', 'TIMES'], rows, 'Nobody is banned.'))
      return 0
    }
    case 'lift': {
      const source = need(words, 1, 'the address')
      await client.json('DELETE', `/v1/bans/${step(source)}`)
      io.stdout.write(`${source} is listened to again.\n`)
      return 0
    }
    default:
      throw usage(`bans does not know "${words[0]}"`)
  }
}
