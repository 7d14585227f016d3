import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { decode, splitText, startSmsc, type SubmittedPart } from '@maskline/smpp'
import { benchPairs } from '../support/parties.ts'
import { tallyOf, type Told } from './tally.ts'

/**
 * The world around the platform in `bench/sms.ts`, in a process of its own: an SMSC, whose handsets send `--messages` SMS of one part
 * with `--window` of them under way, and the customer's server. Prints lines of JSON: the ports it has, what has happened so far a few
 * times a second, and at the end the tally. An SMS that is not acknowledged is sent again, as SMSCs do. Begins with SIGUSR1.
 */
const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    window: { type: 'string', default: '200' },
    pairs: { type: 'string', default: '100' },
  },
})
const messages = Number(values.messages)
const pairs = benchPairs(Number(values.pairs))
const SYSTEM_ID = 'bench'
const PROGRESS_MS = 100
const AGAIN_MS = 20

const acknowledged: boolean[] = Array.from({ length: messages }, () => false)
const times: number[] = Array.from({ length: messages }, () => 0)
const told: (Told | undefined)[] = Array.from({ length: messages }, () => undefined)
const count = { acknowledged: 0, told: 0, repeated: 0 }

const textOf = (n: number): string => `Your driver is at the gate, order ${n}`
const numberIn = (text: string): number => Number(/order (\d+)/.exec(text)?.[1])

const smsc = await startSmsc({
  numbers: { countryCode: '86' },
  onSubmit: ({ userData, coding }: SubmittedPart) => {
    times[numberIn(decode(userData, coding))]!++
    return { do: 'accept', receipt: 'delivered' }
  },
})

const customer = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const { smsEvent } = JSON.parse(Buffer.concat(chunks).toString()) as {
      smsEvent: { smsIdentifier: string; smsContent: string; sendResult: number }
    }
    const n = numberIn(smsEvent.smsContent)
    const results = (told[n] ??= new Map())
    if (!results.has(smsEvent.smsIdentifier)) count.told++
    results.set(smsEvent.smsIdentifier, smsEvent.sendResult)
    response.end('{}')
  })
}).listen(0, '127.0.0.1')
await new Promise((resolve) => customer.once('listening', resolve))

/** Hands in SMS `n` until it is taken. */
async function handIn(n: number): Promise<void> {
  const { caller: from, x: to } = pairs[n % pairs.length]!
  const [part] = splitText(textOf(n), { reference: 0 })
  for (let isAgain = false; ; isAgain = true) {
    const { state } = await smsc.deliver(SYSTEM_ID, { ...part!, from, to })
    if (state === 'accepted') break
    if (state === 'unknown' && !isAgain) count.repeated++
    await pause(AGAIN_MS)
  }
  acknowledged[n] = true
  count.acknowledged++
}

const say = (what: object): void => console.log(JSON.stringify(what))

process.once('SIGUSR1', () => {
  let next = 0
  const hand = async (): Promise<void> => {
    while (next < messages) await handIn(next++)
  }
  const progress = setInterval(() => say({ progress: count }), PROGRESS_MS)
  const hands = Array.from({ length: Number(values.window) }, hand)
  void Promise.all(hands).then(() => say({ handedIn: messages }))
  process.once('SIGTERM', () => {
    clearInterval(progress)
    say({ tally: tallyOf({ acknowledged, times, told, repeated: count.repeated }) })
    process.exit(0)
  })
})
say({ ready: { smppPort: smsc.port, httpPort: (customer.address() as AddressInfo).port } })
