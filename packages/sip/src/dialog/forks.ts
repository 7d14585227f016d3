import { header } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { tagOf } from '../message/name-addr.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import { ownText } from '../transaction/own-text.ts'
import type { Hop } from '../transport/address.ts'
import { bytesOf, keepBytes } from '../transport/kept-bytes.ts'
import type { KeptBytes } from '../transport/kept-bytes.ts'
import type { Transport } from '../transport/transport.ts'
import type { Core, Face } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import { newBranch } from '../shared/ids.ts'
import type { RequestOptions } from '../core/types.ts'
import { dialogOfResponse, leaveHop, onceFound, requestInDialog } from './dialog.ts'
import type { Dialog, DialogSeed } from './dialog.ts'
import { InDialogRequest } from './in-dialog-request.ts'
import type { RequestEnd } from './in-dialog-request.ts'

type SentAck = {
  readonly remoteTag: string
  isAcked: boolean
  /** Once it was sent. */
  bytes: KeptBytes | undefined
  transport: Transport
  hop: Hop
  /** Of the 2xx, since the ACK went to this hop. */
  copies: number
  /** Sends the ACK to another hop; false when there is none. Absent where there is only one. */
  tryNext: (() => boolean) | undefined
}

/** Of a 2xx: one may have crossed the ACK, and one ACK may be lost. */
const UNHEARD_COPIES = 3

const NOT_INTERESTED: RequestEnd = { onRequestEnd() {} }

/** Forks of one INVITE that are acknowledged; a network that answers more often is left to give up by itself. */
const MAX_ANSWERS = 20

/**
 * The 2xxs of one INVITE (RFC 3261 §13.2.2.4): of the one that won, copies get its ACK again; every other fork's is
 * acknowledged and ended with BYE. Outlives the call until Timer M, so it holds only what that takes.
 */
export class AnsweredForks implements ClientUser {
  readonly #core: Core
  readonly #seed: DialogSeed
  readonly #face: Face
  readonly #answerer: ChallengeAnswerer | undefined
  /** Credentials of the INVITE, which its ACK repeats (RFC 3261 §22.1). */
  readonly #authorization: readonly string[] | undefined
  readonly #acks: SentAck[] = []

  constructor(
    core: Core,
    seed: DialogSeed,
    face: Face,
    answerer: ChallengeAnswerer | undefined,
    authorization: readonly string[] | undefined,
  ) {
    this.#core = core
    this.#seed = seed
    this.#face = face
    this.#answerer = answerer
    this.#authorization = authorization
  }

  /** This fork won; its ACK is sent when its owner says so. */
  win(remoteTag: string): void {
    this.#entry(remoteTag)
  }

  /** Sends the ACK once, to where the route set or the Contact leads: no 2xx tells whether it came. */
  ack(dialog: Dialog, options: RequestOptions | undefined): void {
    const entry = this.#entry(dialog.remoteTag)
    if (entry.isAcked) return
    entry.isAcked = true
    onceFound(dialog, () => this.#sendAck(dialog, entry, options))
  }

  #sendAck(dialog: Dialog, entry: SentAck, options: RequestOptions | undefined): void {
    const { seq } = this.#seed
    const sending = requestInDialog(this.#core, dialog, newBranch(), 'ACK', seq, options, this.#authorization)
    entry.transport = sending.face.transport
    entry.hop = sending.hop
    entry.bytes = keepBytes(this.#core.layer.sendOnce(sending.request, entry.transport, entry.hop))
    entry.copies = 0
    entry.tryNext =
      dialog.otherHops.length === 0
        ? undefined
        : () => {
            if (!leaveHop(this.#core, dialog, entry.hop)) return false
            this.#sendAck(dialog, entry, options)
            return true
          }
  }

  onResponse(transaction: ClientTransaction, response: SipResponse): void {
    if (response.status < 200 || response.status >= 300) return
    const tag = tagOf(header(response, 'To') ?? '') ?? ''
    const known = this.#acks.find((ack) => ack.remoteTag === tag)
    if (known === undefined) {
      if (this.#acks.length === MAX_ANSWERS) return
      const dialog = dialogOfResponse(this.#core, this.#seed, response, this.#face, transaction.hop)
      this.ack(dialog, undefined)
      onceFound(dialog, () => {
        new InDialogRequest(this.#core, dialog, this.#answerer, 'BYE', undefined, NOT_INTERESTED, undefined)
      })
    } else if (known.bytes !== undefined) {
      // Nothing else tells that an ACK does not arrive (RFC 3263 §4.3).
      if (++known.copies >= UNHEARD_COPIES && known.tryNext?.() === true) return
      this.#core.layer.resend(bytesOf(known.bytes), known.transport, known.hop)
    }
  }

  onTimeout(): void {}

  onSendFailed(): void {}

  #entry(remoteTag: string): SentAck {
    let entry = this.#acks.find((ack) => ack.remoteTag === remoteTag)
    if (entry === undefined) {
      const { transport } = this.#face
      entry = {
        remoteTag: ownText(remoteTag),
        isAcked: false,
        bytes: undefined,
        transport,
        hop: { ...transport.local, transport: transport.name },
        copies: 0,
        tryNext: undefined,
      }
      this.#acks.push(entry)
    }
    return entry
  }
}
