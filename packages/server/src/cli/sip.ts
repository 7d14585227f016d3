import type { TraceEvent } from '../sip-trace/sip-tracer.ts'
import { type CommandIo, need, readCommand, usage } from './admin-client.ts'

/** What `sip` writes to: messages to one, what is said about them to the other, so that a file has messages alone. */
export type SipIo = CommandIo & { readonly stderr: { write(text: string): unknown } }

/** `maskline sip trace`. */
export async function runSip(args: string[], env: NodeJS.ProcessEnv, io: SipIo): Promise<number> {
  const { words, options, flags, client } = readCommand(args, env, {
    options: ['number', 'call', 'seconds'],
    flags: ['real-numbers'],
    words: { trace: 1 },
  })
  const what = need(words, 0, 'what to do with SIP')
  if (what !== 'trace') throw usage(`sip does not know "${what}"`)
  const { number, call, seconds = '300' } = options
  const real = flags.has('real-numbers')
  const query = new URLSearchParams({
    seconds,
    ...(number !== undefined && { number }),
    ...(call !== undefined && { callId: call }),
    ...(real && { realNumbers: 'yes' }),
  })
  let seen = 0
  for await (const line of client.lines(`/v1/sip/trace?${query}`, () => {
    if (real) io.stderr.write(WARNING)
    io.stderr.write(`Tracing for ${seconds} s; Ctrl-C ends it.\n`)
  })) {
    if (line === '') continue
    const event = JSON.parse(line) as TraceEvent
    if ('text' in event) seen++
    io.stdout.write(shown(event))
  }
  io.stderr.write(`${seen} messages.\n`)
  return 0
}

const WARNING =
  'REAL NUMBERS ARE SHOWN. What this prints is personal data of callers and callees: keep it no longer than needed.\n'

function shown(event: TraceEvent): string {
  if ('lost' in event)
    return `<--- ${event.lost} messages left out: they came faster than they were read --->\n\n`
  const { at, direction, peer, local, text } = event
  const way = direction === 'in' ? `received from ${peer} at ${local}` : `sent to ${peer} from ${local}`
  return `<--- ${new Date(at).toISOString().replace('T', ' ')} ${way} --->\n${text.trimEnd()}\n\n`
}
