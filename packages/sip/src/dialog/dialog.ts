import { header, headerValues } from '../message/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import { isUriText, parseNameAddr, tagOf, withTag } from '../message/name-addr.ts'
import { parseCSeq } from '../message/cseq.ts'
import { ownText } from '../transaction/own-text.ts'
import { isSamePlace } from '../transport/address.ts'
import type { Hop } from '../transport/address.ts'
import { isPrivate } from '../transport/private-address.ts'
import { allowOf } from '../core/allow.ts'
import { buildRequest, faceFor } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'
import type { RequestOptions } from '../core/types.ts'

/** A dialog (RFC 3261 §12): what it takes to write the next request in it and to check the peer's. */
export type Dialog = {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** From of our requests, tag included; To of our requests, likewise. */
  readonly local: string
  readonly remote: string
  /** Our Contact. */
  readonly contact: string
  /** Our Allow, as of our last INVITE. */
  allow: string
  readonly face: Face
  /** Where the peer's messages come from. */
  readonly source: Hop
  /** Route header values, first hop first. */
  routeSet: readonly string[]
  localSeq: number
  /** CSeq number of the peer's last request; -1 before the first. */
  remoteSeq: number
  /** URI of the peer's Contact. */
  remoteTarget: string
  /** Where requests go; undefined until the first is to be sent. */
  hop: Hop | undefined
  /** Where they go when that fails: what else the host name in it leads to. */
  otherHops: readonly Hop[]
  /** While a host name is being looked up: what waits for the hop. */
  lookingUp: { readonly waiting: (() => void)[] } | undefined
}

const NO_HOPS: readonly Hop[] = []

/**
 * The dialog a UAS enters with its first tagged response (RFC 3261 §12.1.1). A Contact's host name is not looked up yet: an
 * INVITE that nobody has let in makes no one else work.
 */
export function dialogOfRequest(
  request: SipRequest,
  localTag: string,
  face: Face,
  source: Hop,
  contact: string,
): Dialog {
  const from = header(request, 'From') ?? ''
  const dialog: Dialog = {
    callId: header(request, 'Call-ID') ?? '',
    localTag,
    remoteTag: tagOf(from) ?? '',
    local: withTag(header(request, 'To') ?? '', localTag),
    remote: from,
    contact,
    allow: allowOf(undefined),
    face,
    source,
    routeSet: recordedRoute(request),
    localSeq: 0,
    remoteSeq: seqOf(request),
    // Contact is mandatory in an INVITE; a peer that forgot it is found by its From.
    remoteTarget: uriOfContact(from) ?? 'sip:invalid',
    hop: undefined,
    otherHops: NO_HOPS,
    lookingUp: undefined,
  }
  takeContact(dialog, request)
  return dialog
}

/** The dialog a UAC enters with a tagged response to `request` (RFC 3261 §12.1.2). */
export function dialogOfResponse(
  core: Core,
  request: DialogSeed,
  response: SipResponse,
  face: Face,
  source: Hop,
): Dialog {
  const to = header(response, 'To') ?? ''
  const dialog: Dialog = {
    callId: request.callId,
    localTag: request.localTag,
    remoteTag: tagOf(to) ?? '',
    local: request.from,
    remote: ownText(to),
    contact: request.contact,
    allow: allowOf(undefined),
    face,
    source,
    routeSet: recordedRoute(response).reverse(),
    localSeq: request.seq,
    remoteSeq: -1,
    remoteTarget: request.uri,
    hop: source,
    otherHops: NO_HOPS,
    lookingUp: undefined,
  }
  refreshTarget(core, dialog, response)
  return dialog
}

/** What a UAC's dialogs inherit from its INVITE. */
export type DialogSeed = {
  readonly callId: string
  readonly localTag: string
  readonly from: string
  readonly contact: string
  readonly uri: string
  readonly seq: number
}

/** Takes over the peer's Contact (RFC 3261 §12.2.1.2, §12.2.2). */
export function refreshTarget(core: Core, dialog: Dialog, message: SipMessage): void {
  takeContact(dialog, message)
  chooseHop(core, dialog)
}

/** Finds where requests of the dialog go, unless it is known. */
export function findWay(core: Core, dialog: Dialog): Hop {
  return dialog.hop ?? chooseHop(core, dialog)
}

/**
 * A request of the dialog failed at this hop: whether it can be sent to another, where those to come go too (RFC 3263 §4.3).
 * Other requests learn of that.
 */
export function leaveHop(core: Core, dialog: Dialog, hop: Hop, response?: SipResponse): boolean {
  const [next, ...others] = dialog.otherHops
  if (next === undefined || hop !== dialog.hop) return false
  core.locator.failed(hop, response)
  dialog.hop = next
  dialog.otherHops = others
  return true
}

/** Runs it when the way of the dialog is known: now, or when the name in it is looked up. */
export function onceFound(dialog: Dialog, run: () => void): void {
  if (dialog.lookingUp === undefined) run()
  else dialog.lookingUp.waiting.push(run)
}

/** A 2xx replaces the route set of the early dialog it confirms (RFC 3261 §13.2.2.4). */
export function confirmDialog(core: Core, dialog: Dialog, response: SipResponse): void {
  dialog.routeSet = recordedRoute(response).reverse()
  refreshTarget(core, dialog, response)
}

export function seqOf(message: SipMessage): number {
  return parseCSeq(header(message, 'CSeq') ?? '')?.seq ?? 0
}

/** A request inside the dialog (RFC 3261 §12.2.1.1), and the face and hop to send it by. */
export function requestInDialog(
  core: Core,
  dialog: Dialog,
  branch: string,
  method: string,
  seq: number,
  options?: RequestOptions,
  extra?: readonly string[],
): { request: SipRequest; face: Face; hop: Hop } {
  const { routeSet, remoteTarget, source } = dialog
  // A peer behind a NAT cannot be connected to, but the connection it opened is there (RFC 5923 in spirit).
  const { transport } = dialog.face
  const hop =
    routeSet.length === 0 && transport.reliable && transport.isConnected(source)
      ? source
      : findWay(core, dialog)
  const face = faceFor(core, hop, dialog.face) ?? dialog.face
  let uri = remoteTarget
  let routes = routeSet
  const first = routeSet[0]
  if (first !== undefined && !isLoose(first)) {
    // A strict router wants itself in the Request-URI and the target last (RFC 3261 §12.2.1.1).
    uri = parseNameAddr(first)?.uri ?? remoteTarget
    routes = [...routeSet.slice(1), `<${remoteTarget}>`]
  }
  const contact = method === 'INVITE' || method === 'UPDATE' ? dialog.contact : undefined
  const allow = method === 'INVITE' ? dialog.allow : undefined
  const { callId, local: from, remote: to } = dialog
  const parts = { method, uri, from, to, callId, seq, routes, contact, allow, extra, options }
  return { request: buildRequest(core, face, branch, parts), face, hop }
}

function takeContact(dialog: Dialog, message: SipMessage): void {
  const contact = header(message, 'Contact')
  const uri = contact === undefined ? undefined : uriOfContact(contact)
  if (uri !== undefined && uri !== dialog.remoteTarget) dialog.remoteTarget = ownText(uri)
}

function chooseHop(core: Core, dialog: Dialog): Hop {
  // Until a name is looked up, and for a target that cannot be reached, the peer is where its messages came from.
  dialog.hop ??= dialog.source
  const first = dialog.routeSet[0]
  const uri = first === undefined ? dialog.remoteTarget : (parseNameAddr(first)?.uri ?? '')
  const plan = core.locator.planOf(uri)
  if (plan === undefined) return dialog.hop
  const { source } = dialog
  if (plan.kind !== 'hop') {
    const lookingUp = { waiting: dialog.lookingUp?.waiting ?? [] }
    dialog.lookingUp = lookingUp
    core.locator.lookUp(plan, (found, others) => {
      // Else the way has become another one meanwhile.
      if (dialog.lookingUp !== lookingUp) return
      if (found !== undefined) {
        dialog.hop = found
        dialog.otherHops = others
      }
      endLookUp(dialog)
    })
    return dialog.hop
  }
  dialog.otherHops = NO_HOPS
  const { hop } = plan
  if (isSamePlace(hop, source)) {
    // With the domain that it was found for and has proved: an address in its Contact or Record-Route proves nothing.
    dialog.hop = source
    endLookUp(dialog)
    return source
  }
  // A private Contact seen from outside its network is a NATed phone that was not told: answer where it speaks from.
  const isNated = first === undefined && hop.address !== source.address && isPrivate(hop.address)
  dialog.hop = isNated && !isPrivate(source.address) ? source : hop
  endLookUp(dialog)
  return dialog.hop
}

function endLookUp(dialog: Dialog): void {
  const waiting = dialog.lookingUp?.waiting
  dialog.lookingUp = undefined
  if (waiting !== undefined) for (const run of waiting) run()
}

function recordedRoute(message: SipMessage): string[] {
  const { headers } = message
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'Record-Route') return headerValues(message, 'Record-Route')
  }
  return []
}

function isLoose(route: string): boolean {
  return /;lr[\s;=>]/i.test(route)
}

function uriOfContact(contact: string): string | undefined {
  // The usual spelling, without parsing parameters nobody asks for.
  if (contact.startsWith('<')) {
    const close = contact.indexOf('>')
    const uri = contact.slice(1, close)
    // It will be a Request-URI of ours.
    if (close > 0 && isUriText(uri)) return uri
  }
  return parseNameAddr(contact)?.uri
}
