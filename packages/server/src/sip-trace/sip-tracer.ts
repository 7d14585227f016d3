import { Readable } from 'node:stream'
import { type Endpoint, formatHostPort, type SipStack } from '@maskline/sip'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import { maskedText } from './masked-text.ts'
import { traceFilter, type TraceWish } from './trace-filter.ts'

export type TraceOptions = TraceWish & {
  /** Numbers as they are, all of them: said to the log. */
  readonly real: boolean
  /** The trace ends by itself. */
  readonly forMs: number
}

/** One message, or how many were left out because they were read too slowly. */
export type TraceEvent =
  | {
      /** Milliseconds since the epoch. */
      readonly at: number
      readonly direction: 'in' | 'out'
      /** `udp 192.0.2.9:5060` */
      readonly peer: string
      readonly local: string
      /** Lines end in LF. */
      readonly text: string
    }
  | { readonly lost: number }

export type SipTracer = {
  /** Lines of JSON, one a `TraceEvent`, until the time is over or it is destroyed; an empty line now and then. Undefined: too many. */
  open(options: TraceOptions): Readable | undefined
  close(): void
}

const MOST_AT_A_TIME = 4
/** Of what was not read yet: more is left out. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024
/** Whoever reads can tell that it still goes on. */
const SIGN_OF_LIFE_MS = 15_000

/** Shows SIP messages to who asks, numbers masked. Nothing is spent on it while nobody does. */
export function createSipTracer({
  stack,
  clock,
  log,
}: {
  readonly stack: Pick<SipStack, 'trace'>
  readonly clock: Clock
  readonly log: Log
}): SipTracer {
  const open = new Set<Readable>()
  return {
    open({ number, callId, real, forMs }) {
      if (open.size === MOST_AT_A_TIME) return undefined
      const lines = new Readable({ read() {} })
      const isWanted = traceFilter({
        ...(number !== undefined && { number }),
        ...(callId !== undefined && { callId }),
      })
      const shown = { real, ...(number !== undefined && { number }) }
      let lost = 0
      const tell = (event: TraceEvent): void => void lines.push(`${JSON.stringify(event)}\n`)
      const stop = stack.trace((direction, message, local, peer) => {
        if (!isWanted(message)) return
        if (lines.readableLength > MAX_BACKLOG_BYTES) {
          lost++
          return
        }
        if (lost > 0) tell({ lost })
        lost = 0
        tell({
          at: clock.now(),
          direction,
          peer: `${peer.transport} ${hostPort(peer)}`,
          local: hostPort(local),
          text: maskedText(message, shown),
        })
      })
      let sign = clock.setTimer(SIGN_OF_LIFE_MS, beat)
      function beat(): void {
        lines.push('\n')
        sign = clock.setTimer(SIGN_OF_LIFE_MS, beat)
      }
      const end = clock.setTimer(forMs, () => {
        finish()
        lines.push(null)
      })
      const finish = (): void => {
        stop()
        sign.cancel()
        end.cancel()
        open.delete(lines)
      }
      lines.once('close', finish)
      // So that the answer begins.
      lines.push('\n')
      open.add(lines)
      const fields = { seconds: forMs / 1000, real }
      if (real) log.warn(fields, 'SIP messages are traced with real numbers')
      else log.info(fields, 'SIP messages are traced')
      return lines
    },
    close() {
      for (const lines of open) lines.destroy()
    },
  }
}

const hostPort = ({ address, port }: Endpoint): string => formatHostPort(address, port)
