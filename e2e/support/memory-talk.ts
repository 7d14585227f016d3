import { endpointAnswer, endpointOffer } from '@maskline/media'
import {
  type ClientCallHandlers,
  type ServerCallHandlers,
  type SipClock,
  type SipStack,
  type StackHandlers,
  createSipStack,
} from '@maskline/sip'
import { type Carried, MemoryNetwork } from '@maskline/sip/testkit'
import {
  CALLS,
  CALLS_PER_SECOND,
  type Carrier,
  PAIRS,
  type Side,
  TALK_MS,
  type Talk,
  type Transport,
  copiesIn,
} from './lossy-calls.ts'
import { LOSS_PERCENT } from './lossy-network.ts'
import { CALLEE_HOST, CALLER_HOST, type TrunkLab } from './trunk-lab.ts'
import { waitFor } from './wait.ts'

const CALLER_PORT = 5060
/** A party that repeated all that it can has given up long before. */
const GIVEN_UP_MS = 90_000
/** Nobody talks: where RTP would go does not matter. */
const MEDIA = { host: '127.0.0.1', port: 9 } as const

const clock: SipClock = {
  now: Date.now,
  setTimer: (delayMs, run) => setTimeout(run, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/** Caller and callee are stacks of our own, on a network in memory that loses datagrams; its streams lose nothing. */
export function memoryNetwork(): { readonly talk: Talk; readonly carrier: Carrier } {
  const network = new MemoryNetwork({ clock, loss: LOSS_PERCENT / 100, delayMs: [1, 5] })
  return {
    talk: (lab, transport) => talk(network, lab, transport),
    carrier: {
      openTransport: network.open,
      packetsLost: async () => network.carried.filter(({ isLost }) => isLost).length,
    },
  }
}

async function talk(network: MemoryNetwork, lab: TrunkLab, transport: Transport): ReturnType<Talk> {
  const ended = { caller: 0, callee: 0 }
  const errors = { caller: [] as string[], callee: [] as string[] }
  const open = (address: string, port: number, handlers: StackHandlers): Promise<SipStack> =>
    createSipStack({ listen: [{ address, port, transport }], clock, openTransport: network.open, handlers })
  const calleeHandlers: ServerCallHandlers = {
    onAck() {},
    onBye: () => void ended.callee++,
    onCancel: () => void errors.callee.push('CANCEL'),
    onLost: (_call, why) => void errors.callee.push(why),
    onReinvite: (_call, request) => request.respond(488),
  }
  const callee = await open(lab.callee.address, lab.callee.port, {
    onInvite(call) {
      call.handlers = calleeHandlers
      call.progress(180)
      call.answer({ body: endpointAnswer(call.request.body, MEDIA).sdp })
    },
  })
  const caller = await open(CALLER_HOST, CALLER_PORT, { onInvite: (call) => call.reject(403) })
  const callerHandlers: ClientCallHandlers = {
    onProvisional() {},
    onAnswer(call) {
      call.ack()
      clock.setTimer(TALK_MS, () => {
        call.bye()
        ended.caller++
      })
    },
    onFailure: (_call, status) => void errors.caller.push(`${status}`),
    onBye: () => void errors.caller.push('BYE'),
    onLost: (_call, why) => void errors.caller.push(why),
    onReinvite: (_call, request) => request.respond(488),
  }
  try {
    for (let n = 0; n < CALLS; n++) {
      const { callerNum, relationNum } = PAIRS[n % PAIRS.length]!
      clock.setTimer((n * 1000) / CALLS_PER_SECOND, () => {
        const uri = `sip:${relationNum}@${lab.remote.address}:${lab.remote.port};transport=${transport}`
        const from = `<sip:${callerNum}@${CALLER_HOST}>`
        caller.invite({ uri, from, to: `<${uri}>`, body: endpointOffer(MEDIA) }, callerHandlers)
      })
    }
    await waitFor(
      () =>
        ended.caller + errors.caller.length >= CALLS &&
        [caller, callee].every((stack) => stack.stats().dialogs + stack.stats().transactions === 0),
      { what: 'the parties to be through', timeoutMs: GIVEN_UP_MS },
    )
  } finally {
    await caller.close()
    await callee.close()
  }
  const side = (of: 'caller' | 'callee', address: string): Side => ({
    complete: ended[of],
    failed: errors[of].length,
    errors: errors[of].join(),
    repeated: totalOf(copiesIn(messages(network, ({ from }) => from.address === address))),
    copies: copiesIn(messages(network, ({ to, isLost }) => to.address === address && !isLost)),
  })
  return { caller: side('caller', CALLER_HOST), callee: side('callee', CALLEE_HOST) }
}

const messages = ({ carried }: MemoryNetwork, which: (one: Carried) => boolean) =>
  carried.filter(which).map(({ message }) => message)

const totalOf = (tally: Readonly<Record<string, number>>): number =>
  Object.values(tally).reduce((sum, count) => sum + count, 0)
