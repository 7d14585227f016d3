/**
 * Handsets on a terminal: `main.ts [--config FILE]`. It is the first SMSC that the configuration names (`sms.smscs`), by default that of
 * packages/lab/handsets.json, with a handset for every number: each line `FROM TO TEXT` is a text of a handset, and what handsets get
 * is printed.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { parseArgs } from 'node:util'
import { startSmsNetwork } from './network.ts'
import type { SmppAccount, SmsNetwork } from './types.ts'

const DEFAULT_CONFIG = path.join(import.meta.dirname, '../../handsets.json')
const EXAMPLE = '13800000021 17000000001 On my way'
const LINE = /^\s*(\+?\d+)\s+(\+?\d+)\s+(\S.*)$/

/** What is read here of a configuration. */
type SmscSettings = SmppAccount & {
  readonly hosts: readonly [{ readonly host: string; readonly port: number }]
}

const isTerminal = process.stdin.isTTY && process.stdout.isTTY
let lines: Interface | undefined

/** Prints a line above the one that is being typed. */
function say(text: string): void {
  process.stdout.write(isTerminal ? `\r\u001b[K${text}\n` : `${text}\n`)
  if (isTerminal) lines?.prompt(true)
}

/** As people dial it. */
const dialled = (number: string): string => number.replace(/^\+86/, '')

async function settingsIn(config: string): Promise<{ sms?: { smscs?: readonly SmscSettings[] } }> {
  try {
    return JSON.parse(await readFile(config, 'utf8')) as { sms?: { smscs?: readonly SmscSettings[] } }
  } catch (cause) {
    throw new Error(`cannot read ${config}: ${(cause as Error).message}; --config names a file of settings`, {
      cause,
    })
  }
}

async function open(config: string): Promise<SmsNetwork> {
  const { sms } = await settingsIn(config)
  const smsc = sms?.smscs?.[0]
  if (smsc === undefined) throw new Error(`${config} names no SMSC (sms.smscs)`)
  const { systemId, password } = smsc
  const [{ host, port }] = smsc.hosts
  const network = await startSmsNetwork({
    host,
    port,
    account: { systemId, password },
    everyNumber: true,
    onBound: (isBound) => say(isBound ? 'The platform is bound.' : 'The platform is gone.'),
    onText: ({ number }, { from, text }) =>
      say(`┃ ${dialled(number)} reads, from ${dialled(from)}:  ${text}`),
  }).catch((cause: Error) => {
    throw new Error(`${cause.message}; ${config} says where (sms.smscs, hosts)`, { cause })
  })
  say(
    `An SMSC at ${host}:${port}, with a handset for every number.\n` +
      `  The platform binds to it with   npm start -- --config ${path.relative('.', config)}\n` +
      `  A text is a line FROM TO TEXT   ${EXAMPLE}\n` +
      `  Ctrl-C ends it.\n`,
  )
  return network
}

async function type(network: SmsNetwork, line: string): Promise<void> {
  const [, from, to, text] = LINE.exec(line) ?? []
  if (from === undefined || to === undefined || text === undefined) {
    say(line.trim() === '' ? '' : `That is no FROM TO TEXT, such as   ${EXAMPLE}`)
    return
  }
  const sent = network.handset(from).send(to, text)
  say(
    await sent.then(
      () => `${from} → ${to}  sent`,
      (error: unknown) => `${from} → ${to}  ${(error as Error).message}`,
    ),
  )
}

async function converse(network: SmsNetwork): Promise<void> {
  lines = createInterface({ input: process.stdin, output: process.stdout, terminal: isTerminal })
  if (isTerminal) lines.prompt()
  for await (const line of lines) await type(network, line)
}

try {
  const { values } = parseArgs({ options: { config: { type: 'string' } } })
  const network = await open(values.config ?? DEFAULT_CONFIG)
  await converse(network)
  await network.close()
} catch (error) {
  process.stderr.write(`maskline handsets: ${(error as Error).message}\n`)
  process.exit(1)
}
