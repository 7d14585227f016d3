import { type Log, silentLog } from '@maskline/server'
import { type OpenTransport, type SipMessage, type StackStats, StreamFramer, header } from '@maskline/sip'
import { summaryOf } from '@maskline/sip/testkit'
import { type TrunkLab, openTrunkLab } from './trunk-lab.ts'
import { waitFor } from './wait.ts'

export const CALLS = 150
export const CALLS_PER_SECOND = 25
/** Longer than a 200 waits for ACK before it is repeated (T1, 500 ms). */
export const TALK_MS = 1_000
/** At most: a transaction outlives its end by 64*T1 (RFC 3261 section 17), and may have been repeating for as long. */
const FORGOTTEN_MS = 90_000

const X = ['+8617000000001', '+8617000000002']
export const PAIRS = Array.from({ length: 30 }, (_, i) => ({
  callerNum: `+86138000${10_000 + i}`,
  calleeNum: `+86139000${10_000 + i}`,
  relationNum: X[i % X.length]!,
}))

export type Transport = 'udp' | 'tcp'

/** What one side saw of its calls. */
export type Side = {
  /** Calls that went from INVITE to the response to BYE. */
  readonly complete: number
  readonly failed: number
  readonly errors: string
  /** Messages that it sent once more. */
  readonly repeated: number
  /** Copies of what it had already got, by summary: `BYE`, `200 INVITE`. */
  readonly copies: Readonly<Record<string, number>>
}

/** Makes `CALLS` calls through the platform of a laboratory; resolves when both sides are through with them. */
export type Talk = (lab: TrunkLab, transport: Transport) => Promise<Sides>
export type Sides = { readonly caller: Side; readonly callee: Side }

/** What carries the calls. */
export type Carrier = {
  /** In place of the machine's network. */
  readonly openTransport?: OpenTransport
  packetsLost(): Promise<number>
}

/** All that is left of the calls, as plain data. */
export type Outcome = Sides & {
  readonly packetsLost: number
  readonly activeCalls: number
  readonly left: StackStats
  /** What the platform logged as its own fault. */
  readonly faults: readonly string[]
  /** What was wrong with pushes. */
  readonly pushFaults: readonly string[]
  /** Events by type. */
  readonly events: Readonly<Record<string, number>>
  /** `icid`, A, X and B, whether it was answered, and the codes of failures. */
  readonly cdrs: readonly {
    readonly icid: string
    readonly parties: string
    readonly answered: boolean
    readonly failures: readonly (number | undefined)[]
  }[]
}

/** A platform, its customer and `talk` between a caller and a callee, until nothing of the calls is open. */
export async function maskedCalls(
  transport: Transport,
  talk: Talk,
  { openTransport, packetsLost }: Carrier,
): Promise<Outcome> {
  const faults: string[] = []
  const log: Log = { ...silentLog, error: (fields, text) => void faults.push(`${text} ${tellOf(fields)}`) }
  const lab = await openTrunkLab({
    x: X,
    transport,
    log,
    // On a busy machine some would be refused.
    env: { MASKLINE_APP_RATE: '0', MASKLINE_SIP_OVERLOAD_MS: '0' },
    ...(openTransport && { openTransport }),
  })
  try {
    const { platform, customer } = lab
    for (const pair of PAIRS) await lab.bind(pair)
    const sides = await talk(lab, transport)
    await waitFor(() => isEmpty(platform.sipStats()), {
      what: 'the stack to forget the calls',
      timeoutMs: FORGOTTEN_MS,
      detail: () => JSON.stringify(platform.sipStats()),
    })
    await platform.settle()
    return {
      ...sides,
      packetsLost: await packetsLost(),
      activeCalls: platform.activeCalls,
      left: platform.sipStats(),
      faults,
      pushFaults: customer.faults,
      events: tallyOf(customer.events.map(({ eventType }) => eventType)),
      cdrs: customer.fees.map((fee) => ({
        icid: fee.icid,
        parties: [fee.callerNum, fee.bindNum, fee.fwdDstNum].join(),
        answered: Boolean(fee.fwdAnswerTime),
        failures: [fee.fwdUnaswRsn, fee.ulFailReason, fee.sipStatusCode],
      })),
    }
  } finally {
    await lab.close()
  }
}

const isEmpty = ({ transactions, dialogs }: StackStats): boolean => transactions === 0 && dialogs === 0

const tellOf = (fields: object): string =>
  Object.values(fields)
    .map((value) => (value instanceof Error ? value.stack : JSON.stringify(value)))
    .join(' ')

export function tallyOf(names: Iterable<string>): Record<string, number> {
  const tally: Record<string, number> = {}
  for (const name of names) tally[name] = (tally[name] ?? 0) + 1
  return tally
}

/** What came more than once, by summary: a message is told from another by Call-ID, CSeq, Via and tags. */
export function copiesIn(messages: Iterable<SipMessage>): Record<string, number> {
  const seen = new Set<string>()
  const copies: string[] = []
  for (const message of messages) {
    const summary = summaryOf(message)
    const key = ['Call-ID', 'CSeq', 'Via', 'To'].map((name) => header(message, name)).join()
    if (seen.has(`${summary},${key}`)) copies.push(summary)
    else seen.add(`${summary},${key}`)
  }
  return tallyOf(copies)
}

/** Messages that stand back to back. */
export function* messagesIn(bytes: Uint8Array): Generator<SipMessage> {
  for (const item of new StreamFramer().push(bytes)) {
    if (item.kind === 'message' && item.result.ok) yield item.result.message
  }
}
