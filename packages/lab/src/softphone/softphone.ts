import { randomUUID } from 'node:crypto'
import {
  createSipStack,
  escapeUser,
  header,
  quoteDisplay,
  serializeMessage,
  type Hop,
  type InviteOptions,
  type ServerCall,
  type SipClock,
  type SipMessage,
  type SipResponse,
} from '@maskline/sip'
import type { LadderMessage } from '../ladder/ladder.ts'
import { createByteLog } from './byte-log.ts'
import { createCallCore, displayOf, placeCall, takeCall, type CallCore } from './phone-call.ts'
import { openPhoneMedia, type PhoneMedia } from './phone-media.ts'
import type { PhoneCall, Softphone, SoftphoneOptions } from './types.ts'

const RECEIVED_LIMIT = 16 * 1024 * 1024
const MESSAGES_KEPT = 2_000

const realClock: SipClock = {
  now: () => performance.now(),
  setTimer: (delayMs, run) => setTimeout(run, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

/** A phone for demos and tests: SIP account, one tone to be known by, ears, and a memory of every byte it got. */
export async function createSoftphone(options: SoftphoneOptions): Promise<Softphone> {
  const host = options.host ?? '127.0.0.1'
  const transport = options.transport ?? 'udp'
  const clock = options.clock ?? realClock
  const { registrar } = options
  const received = createByteLog(RECEIVED_LIMIT)
  const messages: LadderMessage[] = []
  const calls: PhoneCall[] = []
  const untaken: PhoneCall[] = []
  const takers: ((call: PhoneCall) => void)[] = []
  const media = new Set<Promise<PhoneMedia>>()

  const stack = await createSipStack({
    listen: [{ address: host, port: options.port ?? 0, transport }],
    productName: 'Maskline lab phone',
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    handlers: { onInvite, onMessage },
  })
  const local = stack.addresses[0] ?? { address: host, port: 0 }
  const hop: Hop | undefined =
    registrar === undefined ? undefined : { address: registrar.address, port: registrar.port, transport }
  const domain =
    registrar?.domain ?? (registrar === undefined ? host : `${registrar.address}:${registrar.port}`)
  const user = escapeUser(options.user)
  const name = options.displayName === undefined ? '' : `${quoteDisplay(options.displayName)} `
  const account = `${name}<sip:${user}@${domain}>`
  const contact = `sip:${user}@${local.address}:${local.port};transport=${transport}`
  const credentials =
    options.password === undefined ? undefined : { username: options.user, password: options.password }

  function onMessage(
    direction: 'in' | 'out',
    message: SipMessage,
    own: { address: string; port: number },
    peer: Hop,
  ) {
    if (direction === 'in') received.add(serializeMessage(message))
    const here = `${own.address}:${own.port}`
    const there = `${peer.address}:${peer.port}`
    const [from, to] = direction === 'in' ? [there, here] : [here, there]
    messages.push({ atMs: performance.now(), from, to, startLine: startLineOf(message) })
    if (messages.length > MESSAGES_KEPT) messages.shift()
  }

  function newCore(direction: PhoneCall['direction'], display: PhoneCall['whatDisplayShows']): CallCore {
    let tellAudio = (): void => undefined
    const opening = openPhoneMedia(host, received.add, () => tellAudio())
    media.add(opening)
    const core = createCallCore({
      direction,
      display,
      toneHz: options.toneHz,
      media: opening,
      onAudio: (listener) => {
        tellAudio = listener
      },
    })
    return core
  }

  function onInvite(incoming: ServerCall): void {
    const core = newCore('incoming', displayOf(incoming.request))
    const call = takeCall(core, incoming, options.ringsWhenTold ?? false)
    calls.push(call)
    if (options.autoAnswerMs !== undefined) {
      const timer = clock.setTimer(options.autoAnswerMs, () => {
        call.answer().catch(() => call.reject(488))
      })
      void core.progress.ended().then(() => clock.clearTimer(timer))
    }
    const taker = takers.shift()
    if (taker === undefined) untaken.push(call)
    else taker(call)
    options.onIncoming?.(call)
  }

  // One Call-ID for all REGISTERs of a phone (RFC 3261 §10.2.4); an answered challenge takes a CSeq of its own.
  const registrationId = randomUUID()
  let cseq = 1
  let refresh: unknown
  function register(expiresSec: number): Promise<number> {
    if (refresh !== undefined) clock.clearTimer(refresh)
    refresh = undefined
    if (hop === undefined) return Promise.reject(new Error('this phone has no registrar'))
    return new Promise((resolve, reject) => {
      const request = {
        method: 'REGISTER',
        uri: `sip:${domain}`,
        from: account,
        to: account,
        hop,
        callId: registrationId,
        cseq,
        headers: ['Contact', `<${contact}>`, 'Expires', `${expiresSec}`],
        ...(credentials === undefined ? {} : { credentials }),
      }
      cseq += 2
      stack.request(request, (response) => {
        if (response.status >= 300) {
          reject(new Error(`REGISTER of ${options.user}: ${response.status} ${response.reason}`))
          return
        }
        const granted = expiresSec === 0 ? 0 : grantedSeconds(response, expiresSec)
        if (granted > 0) {
          refresh = clock.setTimer(granted * 800, () => {
            register(expiresSec).catch(() => undefined)
          })
        }
        resolve(granted)
      })
    })
  }

  return {
    user: options.user,
    address: local.address,
    port: local.port,
    uri: contact,
    calls,
    register: (expiresSec = 600) => register(expiresSec),
    async unregister() {
      await register(0)
    },
    async call(number, { headers } = {}) {
      const uri = /^sips?:|^tel:/.test(number) ? number : `sip:${escapeUser(number)}@${domain}`
      const core = newCore('outgoing', { number })
      const invite: Omit<InviteOptions, 'body'> = {
        uri,
        from: account,
        to: `<${uri}>`,
        contactUser: user,
        ...(hop === undefined ? {} : { hop }),
        ...(headers === undefined ? {} : { headers }),
        ...(credentials === undefined ? {} : { credentials }),
      }
      const call = await placeCall(core, (body, handlers) => stack.invite({ ...invite, body }, handlers))
      calls.push(call)
      return call
    },
    incoming: () =>
      new Promise((resolve) => {
        const call = untaken.shift()
        if (call === undefined) takers.push(resolve)
        else resolve(call)
      }),
    messages: () => messages,
    received: received.bytes,
    async close() {
      if (refresh !== undefined) clock.clearTimer(refresh)
      await stack.close()
      await Promise.allSettled([...media].map(async (opening) => (await opening).close()))
    },
  }
}

function startLineOf(message: SipMessage): string {
  return message.kind === 'request'
    ? `${message.method} ${message.uri} SIP/2.0`
    : `SIP/2.0 ${message.status} ${message.reason}`
}

/** What the registrar granted: the Contact's `expires`, else the Expires header, else what was asked for. */
function grantedSeconds(response: SipResponse, asked: number): number {
  const expires =
    /;\s*expires=(\d+)/i.exec(header(response, 'Contact') ?? '')?.[1] ?? header(response, 'Expires')
  return expires === undefined ? asked : Number(expires)
}
