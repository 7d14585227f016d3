import type { SendResult } from '../sms/rules/send-result.ts'
import { type CommandIo, listing, need, readCommand, step, table, usage } from './admin-client.ts'

/** As the admin API gives it (admin-api/sms.ts): real numbers are masked. */
type SmsView = {
  readonly id: string
  readonly at: string
  readonly state: string
  readonly app?: string
  readonly x: string
  readonly sender: string
  readonly receiver?: string
  readonly binding?: string
  readonly carrier: string
  readonly endedAt?: string
  readonly result?: SendResult
  readonly segments?: number
}
type PartView = {
  readonly index: number
  readonly segments: number
  readonly state: string
  readonly at: string
  readonly carrier?: string
  readonly carrierId?: string
  readonly status?: number
  readonly receipt?: string
}

const FILTERS = [
  ...['app', 'x', 'number', 'sender', 'receiver', 'state', 'result', 'binding'],
  ...['since', 'until', 'before', 'limit'],
]

/** `maskline sms list | show ID`. */
export async function runSms(args: string[], env: NodeJS.ProcessEnv, io: CommandIo): Promise<number> {
  const { words, options, client } = readCommand(args, env, { options: FILTERS, words: { list: 1, show: 2 } })
  switch (need(words, 0, 'what to do with SMS')) {
    case 'list': {
      const asked = Object.entries(options).map(([name, value = '']) => `${name}=${step(value)}`)
      const page = await client.json('GET', `/v1/sms?${asked.join('&')}`)
      const found = page.sms as SmsView[]
      const heads = ['CAME', 'ID', 'APP', 'X', 'FROM', 'TO', 'STATE', 'RESULT']
      io.stdout.write(listing(heads, found.map(rowOf), 'There are no SMS of that kind.'))
      if (page.more === true)
        io.stdout.write(`There are more: --before ${found.at(-1)!.id} shows what came before.\n`)
      return 0
    }
    case 'show': {
      const id = need(words, 1, 'the id')
      const { parts, ...sms } = (await client.json('GET', `/v1/sms/${step(id)}`)) as SmsView & {
        readonly parts: readonly PartView[]
      }
      io.stdout.write(table(['ID', sms.id], factsOf(sms)))
      const none = 'Nothing of it was given to a carrier.'
      io.stdout.write(`\n${listing(PART_HEADS, parts.map(partRowOf), none)}`)
      return 0
    }
    default:
      throw usage(`sms does not know "${words[0]}"`)
  }
}

/** `sendResult` in words (spec/sms.md section 4). */
const RESULTS: Readonly<Record<SendResult, string>> = {
  0: 'sent',
  1: 'account frozen',
  2: 'no binding',
  3: 'X suspended',
  4: 'app not commercial',
  5: 'internal error',
  6: 'discarded by the customer',
  7: 'no answer of the customer in time',
  8: 'blacklisted',
  9: 'partly sent',
  10: 'not sent',
  11: 'no SMS capability',
  12: 'required word missing',
  13: 'forbidden word',
}

const resultOf = ({ result }: SmsView): string => (result === undefined ? '' : `${result} ${RESULTS[result]}`)

function rowOf(sms: SmsView): string[] {
  const { at, id, app = '', x, sender, receiver = '', state } = sms
  return [at, id, app, x, sender, receiver, state, resultOf(sms)]
}

function factsOf(sms: SmsView): string[][] {
  const { at, carrier, state, endedAt, app, x, sender, receiver, binding, segments } = sms
  return [
    ['came', `${at} by ${carrier}`],
    ['app', app ?? ''],
    ['X', x],
    ['from', sender],
    ['to', receiver ?? ''],
    ['binding', binding ?? ''],
    ['state', endedAt === undefined ? state : `${state} ${endedAt}`],
    ['result', resultOf(sms)],
    ['segments', segments === undefined ? '' : String(segments)],
  ].filter(([, value]) => value !== '')
}

const PART_HEADS = ['PART', 'SEGMENTS', 'STATE', 'SINCE', 'CARRIER', 'ITS ID', 'STATUS', 'RECEIPT']

function partRowOf({ index, segments, state, at, ...more }: PartView): string[] {
  const { carrier = '', carrierId = '', status = '', receipt = '' } = more
  return [String(index), String(segments), state, at, carrier, carrierId, String(status), receipt]
}
