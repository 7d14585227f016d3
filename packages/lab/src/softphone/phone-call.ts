import {
  endpointAnswer,
  endpointOffer,
  generateTone,
  readRemote,
  SAMPLE_RATE_HZ,
  toneAmplitudes,
  toneRuns,
  type RtpEndpoint,
} from '@maskline/media'
import {
  header,
  parseNameAddr,
  parseUri,
  REASON_PHRASES,
  unescapeUser,
  wireToText,
  type ClientCall,
  type ClientCallHandlers,
  type DialogCall,
  type DialogHandlers,
  type ServerCall,
  type ServerCallHandlers,
  type SipMessage,
  type SipRequest,
} from '@maskline/sip'
import { CallEndedError, createCallProgress, type CallProgress } from './call-progress.ts'
import type { PhoneMedia } from './phone-media.ts'
import type { CallEnd, Display, PhoneCall } from './types.ts'

export type PhoneCallParts = {
  readonly direction: PhoneCall['direction']
  readonly display: Display
  readonly toneHz: number | undefined
  readonly media: Promise<PhoneMedia>
  /** Hears of each RTP packet of the call. */
  readonly onAudio: (listener: () => void) => void
}

/** What differs by direction. */
type Command = 'ring' | 'answer' | 'reject' | 'hangup' | 'cancel'

/** What both directions share: progress, sound, and the handlers of an established dialog. */
export type CallCore = {
  readonly progress: CallProgress
  readonly dialogHandlers: DialogHandlers
  /** Ends the call here; the first end counts. */
  end(end: CallEnd): void
  /** The other side's SDP came: from now on the tone goes there. False when the phone cannot use it. */
  speakTo(sdp: Uint8Array): boolean
  /** The phone's view of the call, for `commands` that differ by direction. */
  view(call: DialogCall, commands: Pick<PhoneCall, Command>): PhoneCall
  endpoint(): Promise<RtpEndpoint>
}

export function createCallCore(parts: PhoneCallParts): CallCore {
  const progress = createCallProgress()
  let endpoint: RtpEndpoint | undefined
  let audioWaiters: (() => void)[] = []
  parts.onAudio(() => {
    const waiting = audioWaiters
    audioWaiters = []
    for (const look of waiting) look()
  })
  const opened = parts.media.then((media) => (endpoint = media.endpoint))
  // Awaited by who needs the sound; a call that never got any ends all the same.
  opened.catch(() => undefined)

  const speakTo = (sdp: Uint8Array): boolean => {
    if (endpoint === undefined || sdp.length === 0) return true
    try {
      endpoint.setRemote(readRemote(sdp))
    } catch {
      return false
    }
    if (parts.toneHz !== undefined) endpoint.startLoop(generateTone(parts.toneHz, 1))
    return true
  }
  const end = (how: CallEnd): void => {
    if (!progress.enter({ kind: 'ended', end: how })) return
    for (const look of audioWaiters) look()
    void parts.media.then((media) => media.close()).catch(() => undefined)
  }
  const audio = (): Int16Array => endpoint?.received() ?? new Int16Array(0)

  return {
    progress,
    end,
    speakTo,
    endpoint: () => opened,
    dialogHandlers: {
      onBye(_call, request) {
        end(endOf('peer', 200, 'BYE', request))
      },
      onReinvite(_call, request) {
        void opened
          .then((own) => {
            const sdp = { host: own.host, port: own.localPort, version: 2 }
            const offer = request.request.body
            if (offer.length === 0) return request.respond(200, { body: endpointOffer(sdp) })
            const answer = endpointAnswer(offer, sdp)
            own.setRemote(answer.remote)
            request.respond(200, { body: answer.sdp })
          })
          .catch(() => request.respond(488))
      },
      onReinviteAck(_call, request) {
        speakTo(request.body)
      },
      onRequest(_call, request) {
        request.respond(request.request.method === 'INFO' || request.request.method === 'OPTIONS' ? 200 : 405)
      },
      onLost(_call, why) {
        end({ by: 'network', status: 0, reason: why })
      },
    },
    view: (call, commands) => ({
      direction: parts.direction,
      callId: call.callId,
      get state() {
        return progress.state
      },
      whatDisplayShows: parts.display,
      onState: progress.onState,
      ringing: () => progress.reached('ringing'),
      answered: () => progress.reached('talking'),
      ended: progress.ended,
      ...commands,
      async sendDigits(digits, how = 'event') {
        const own = await opened
        for (const digit of digits) {
          if (how === 'info') await sendInfo(call, digit)
          else if (how === 'in-band') await own.sendDigitInBand(digit)
          else await own.sendDigit(digit)
        }
      },
      digitsHeard: () => endpoint?.receivedDigits() ?? '',
      heard: (frequenciesHz) => toneAmplitudes(audio(), frequenciesHz),
      audio: (since = 0) => audio().subarray(since),
      mark: () => audio().length,
      tonesHeard: (frequenciesHz, since = 0) => toneRuns(audio().subarray(since), frequenciesHz),
      hears: (seconds) =>
        new Promise((resolve, reject) => {
          const look = (): void => {
            const samples = audio()
            if (samples.length >= seconds * SAMPLE_RATE_HZ) resolve(samples)
            else if (progress.state.kind === 'ended') reject(new CallEndedError(progress.state.end))
            else audioWaiters.push(look)
          }
          look()
        }),
      forgetAudio: () => endpoint?.clear(),
    }),
  }
}

/** Starts the outgoing half; `invite` sends the INVITE with the offer. */
export async function placeCall(
  core: CallCore,
  invite: (offer: Buffer, handlers: ClientCallHandlers) => ClientCall,
): Promise<PhoneCall> {
  const own = await core.endpoint()
  const call = invite(endpointOffer({ host: own.host, port: own.localPort }), {
    ...core.dialogHandlers,
    onProvisional(_call, response) {
      core.progress.enter({ kind: 'ringing', status: response.status })
      core.speakTo(response.body)
    },
    onAnswer(answered, response) {
      answered.ack()
      if (core.speakTo(response.body)) {
        core.progress.enter({ kind: 'talking' })
      } else {
        answered.bye()
        core.end({ by: 'self', status: 488, reason: 'the answer names no audio that this phone speaks' })
      }
    },
    onFailure(_call, status, response) {
      const by = gaveUp ? 'self' : response === undefined ? 'network' : 'peer'
      core.end(endOf(by, status, response?.reason ?? REASON_PHRASES[status] ?? '', response))
    },
  })
  let gaveUp = false
  const cancel = (): void => {
    gaveUp = true
    call.cancel()
  }
  return core.view(call, {
    ring: () => Promise.reject(new Error('an outgoing call rings at the other side')),
    answer: () => Promise.reject(new Error('an outgoing call is answered by the other side')),
    reject: cancel,
    cancel,
    hangup() {
      if (core.progress.state.kind !== 'talking') return cancel()
      call.bye()
      core.end({ by: 'self', status: 200, reason: 'BYE' })
    },
  })
}

/** An INVITE that came rings, unless it shall only when told; `commands.answer` takes it. */
export function takeCall(core: CallCore, call: ServerCall, ringsWhenTold: boolean): PhoneCall {
  const handlers: ServerCallHandlers = {
    ...core.dialogHandlers,
    onCancel(_call, request) {
      core.end(endOf('peer', 487, 'Request Terminated', request))
    },
    onAck(_call, request) {
      core.speakTo(request.body)
    },
  }
  call.handlers = handlers
  const isWaiting = (): boolean => ['calling', 'ringing'].includes(core.progress.state.kind)
  const ringing = (status: number, body?: Buffer): void => {
    call.progress(status, body && { body })
    core.progress.enter({ kind: 'ringing', status })
  }
  if (!ringsWhenTold) ringing(180)
  const reject = (status = 486, reason = REASON_PHRASES[status] ?? ''): void => {
    if (!isWaiting()) return
    call.reject(status, { reason })
    core.end({ by: 'self', status, reason })
  }
  return core.view(call, {
    async ring(how) {
      const own = await core.endpoint()
      if (!isWaiting()) return
      if (how === undefined) return ringing(180)
      const { body } = call.request
      ringing(183, endpointAnswer(body, { host: own.host, port: own.localPort }).sdp)
      core.speakTo(body)
    },
    async answer() {
      const own = await core.endpoint()
      if (!isWaiting()) return
      const sdp = { host: own.host, port: own.localPort }
      const { body } = call.request
      if (body.length === 0) call.answer({ body: endpointOffer(sdp) })
      else call.answer({ body: endpointAnswer(body, sdp).sdp })
      core.speakTo(body)
      core.progress.enter({ kind: 'talking' })
    },
    reject,
    cancel: () => reject(603),
    hangup() {
      if (core.progress.state.kind !== 'talking') return reject(603)
      call.bye()
      core.end({ by: 'self', status: 200, reason: 'BYE' })
    },
  })
}

/** A key press as SIP INFO, the way many gateways do; rejects when the other side does not take it. */
function sendInfo(call: DialogCall, digit: string): Promise<void> {
  const body = Buffer.from(`Signal=${digit}\r\nDuration=160\r\n`)
  return new Promise((resolve, reject) => {
    call.sendRequest('INFO', { body, contentType: 'application/dtmf-relay' }, ({ status, reason }) => {
      if (status < 300) resolve()
      else reject(new Error(`INFO was answered with ${status} ${reason}`))
    })
  })
}

/** The asserted identity before From; the user part, or the whole URI without one. */
export function displayOf(request: SipRequest): Display {
  const identity = header(request, 'P-Asserted-Identity') ?? header(request, 'From') ?? ''
  const address = parseNameAddr(identity)
  const user = address === undefined ? undefined : parseUri(address.uri)?.user
  const number = user === undefined ? (address?.uri ?? identity) : unescapeUser(user)
  return address?.display === undefined ? { number } : { number, name: wireToText(address.display) }
}

function endOf(by: CallEnd['by'], status: number, reason: string, message: SipMessage | undefined): CallEnd {
  const reasonHeader = message === undefined ? undefined : header(message, 'Reason')
  return reasonHeader === undefined ? { by, status, reason } : { by, status, reason, reasonHeader }
}
