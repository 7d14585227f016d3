import { authorize, parseChallenge } from '../auth/digest.ts'
import { createGuard } from '../guard/guard.ts'
import type { Guard, GuardOptions } from '../guard/guard.ts'
import type { Ban } from '../guard/ban-list.ts'
import { header } from '../message/headers.ts'
import type { SipMessage, SipRequest } from '../message/message.ts'
import { createAuthenticator } from '../registrar/authenticator.ts'
import { createRegistrar } from '../registrar/registrar.ts'
import type { Hop } from '../transport/address.ts'
import type { StackOptions } from '../core/types.ts'
import { openBench } from './bench.ts'
import type { Bench } from './bench.ts'
import type { ScriptedPeer } from './memory-network.ts'
import { testRequest } from './requests.ts'
import type { TestRequestParts } from './requests.ts'

/** A guarded stack that trusts the bench's own peer alone; others must be users with a password, to call and to register. */
export type Fort = {
  readonly bench: Bench
  readonly guard: Guard
  readonly bans: Ban[]
  /** Users whose REGISTER got 200. */
  isRegistered(user: string): boolean
  /** A stranger, who may flood. */
  stranger(address: string, port?: number, transport?: 'udp' | 'tcp'): ScriptedPeer
  /** A message that bears an address which its sender does not sit at. */
  spoof(from: Hop, message: SipMessage | string): void
}

export const REALM = 'maskline.example'
export const PASSWORDS: Readonly<Record<string, string>> = { alice: 'wonder', bob: 'builder' }

export async function openFort(
  guardOptions: Partial<GuardOptions> = {},
  stack: Partial<StackOptions> = {},
  transport: 'udp' | 'tcp' = 'udp',
): Promise<Fort> {
  const bans: Ban[] = []
  const holder: { now(): number } = { now: () => 0 }
  const guard = createGuard({
    isTrusted: (address) => address === '192.0.2.1',
    onBan: (ban) => void bans.push(ban),
    now: () => holder.now(),
    ...guardOptions,
  })
  const clock = { now: () => holder.now() }
  const findPassword = (user: string): string | undefined => PASSWORDS[user]
  const authenticator = createAuthenticator({ realm: REALM, findPassword, clock, watch: guard })
  const registrar = createRegistrar({ realm: REALM, findPassword, clock, watch: guard })
  const bench = await openBench({
    transport,
    stack: { guard, ...stack },
    stackHandlers: {
      onInvite(call) {
        call.handlers = bench.handlers
        bench.incoming.push(call)
        if (call.source.address === '192.0.2.1') return call.answer()
        const verdict = authenticator.authenticate(call.request, call.source)
        if (verdict.ok) call.answer()
        else call.rejectStateless(verdict.status, { headers: verdict.headers })
      },
      onRequest(request) {
        if (request.request.method === 'REGISTER') registrar.handle(request)
        else request.respond(request.request.method === 'OPTIONS' ? 200 : 405)
      },
    },
  })
  holder.now = () => bench.clock.now()
  return {
    bench,
    guard,
    bans,
    isRegistered: (user) => registrar.lookup(user) !== undefined,
    stranger: (address, port = 5060, name = 'udp') => bench.network.peer(address, port, name),
    spoof: (from, message) => bench.network.forge(message, from, bench.server),
  }
}

let requests = 0

/** A request with a branch, Call-ID and tag of its own. */
export function freshRequest(from: Hop, method: string, parts: Partial<TestRequestParts> = {}): SipRequest {
  requests++
  const id = `r${requests}`
  return testRequest({ from, method, callId: id, branch: `z9hG4bK${id}`, fromTag: id, ...parts })
}

/** REGISTER, and again with the password that is given once it is asked for. */
export function register(fort: Fort, peer: ScriptedPeer, user: string, password: string): void {
  const uri = `sip:${REALM}`
  const headers = ['Expires', '600']
  const ask = (extra: readonly string[], seq: number): void => {
    const request = freshRequest(peer.hop, 'REGISTER', { uri, seq, headers: [...headers, ...extra] })
    const named = request.headers.map((value, i) =>
      request.headers[i - 1] === 'To' ? `<sip:${user}@${REALM}>` : value,
    )
    peer.send({ ...request, headers: named }, fort.bench.server)
    fort.bench.clock.advance(2)
  }
  const heard = peer.inbox.length
  ask([], 1)
  const answer = peer.inbox.slice(heard).at(-1)
  const challenge = answer === undefined ? undefined : header(answer, 'WWW-Authenticate')
  if (challenge === undefined) return
  const value = authorize(parseChallenge(challenge)!, {
    username: user,
    password,
    method: 'REGISTER',
    uri,
    nc: 1,
    cnonce: 'c',
  })
  ask(['Authorization', value], 2)
}
