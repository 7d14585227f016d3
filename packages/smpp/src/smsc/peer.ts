import type { Socket } from 'node:net'
import { readParties } from '../message/addresses.ts'
import { readUserData } from '../message/user-data.ts'
import type { BindBody, BindRole, MessageBody, RequestPdu } from '../pdu/pdu.ts'
import { STATUS } from '../pdu/status.ts'
import { Session, type Answer } from '../session/session.ts'
import type { SmppClock } from '../shared/clock.ts'
import type { DeliverOutcome, Smsc, SmscOptions, SubmittedPart } from './types.ts'

export type PeerHandlers = {
  nextMessageId(): string
  sendReceipt: Smsc['sendReceipt']
  onClosed(): void
}

/** One connection of an ESME to the SMSC. */
export class Peer {
  readonly #options: SmscOptions
  readonly #clock: SmppClock
  readonly #handlers: PeerHandlers
  readonly #session: Session
  readonly #peer: string
  readonly #bindTimer: unknown
  #bound: { readonly systemId: string; readonly role: BindRole } | undefined

  constructor(socket: Socket, options: SmscOptions, clock: SmppClock, handlers: PeerHandlers) {
    this.#options = options
    this.#clock = clock
    this.#handlers = handlers
    this.#peer = `${socket.remoteAddress}:${socket.remotePort}`
    this.#session = new Session(
      socket,
      {
        clock,
        responseTimeoutMs: options.responseTimeoutMs ?? 30_000,
        enquireLinkMs: options.enquireLinkMs ?? 60_000,
        maxHandling: options.maxIncoming ?? 1000,
      },
      {
        answer: (pdu) => this.#answer(pdu),
        onUnbind: () => {},
        onClosed: (reason) => this.#onClosed(reason),
        onFault: (detail) => options.onEvent?.({ kind: 'fault', peer: this.#peer, detail }),
      },
    )
    this.#bindTimer = clock.setTimer(options.bindTimeoutMs ?? 30_000, () => this.drop('no bind in time'))
  }

  get systemId(): string | undefined {
    return this.#bound?.systemId
  }

  get canReceive(): boolean {
    return this.#bound !== undefined && this.#bound.role !== 'transmitter' && this.#session.isOpen
  }

  bind(): { readonly systemId: string; readonly role: BindRole; readonly peer: string } | undefined {
    return this.#bound && { ...this.#bound, peer: this.#peer }
  }

  async deliver(body: MessageBody): Promise<DeliverOutcome> {
    const reply = await this.#session.request('deliver_sm', body)
    if (reply.kind === 'unsent') return { state: 'unsent' }
    if (reply.kind === 'lost') return { state: 'unknown' }
    const { status } = reply.pdu
    return status === STATUS.ESME_ROK ? { state: 'accepted' } : { state: 'refused', status }
  }

  drop(reason: string): void {
    this.#session.destroy(reason)
  }

  close(): void {
    if (this.#bound === undefined) this.drop('closed')
    else this.#session.finish()
  }

  #onClosed(reason: string): void {
    this.#clock.clearTimer(this.#bindTimer)
    this.#handlers.onClosed()
    this.#options.onEvent?.({
      kind: 'closed',
      peer: this.#peer,
      reason,
      ...(this.#bound === undefined ? {} : { systemId: this.#bound.systemId }),
    })
  }

  async #answer(pdu: RequestPdu): Promise<Answer> {
    switch (pdu.command) {
      case 'bind_transceiver':
        return this.#onBind('transceiver', pdu.body)
      case 'bind_transmitter':
        return this.#onBind('transmitter', pdu.body)
      case 'bind_receiver':
        return this.#onBind('receiver', pdu.body)
      case 'submit_sm':
      case 'data_sm':
        if (this.#bound === undefined || this.#bound.role === 'receiver') break
        return this.#onSubmit(this.#bound.systemId, pdu.body)
      default:
        break
    }
    return { status: STATUS.ESME_RINVBNDSTS }
  }

  async #onBind(role: BindRole, { system_id: systemId, password, system_type }: BindBody): Promise<Answer> {
    if (this.#bound !== undefined) return { status: STATUS.ESME_RALYBND }
    const { onBind, onEvent } = this.#options
    const bind = { systemId, password, systemType: system_type ?? '', role, peer: this.#peer }
    const status = (await onBind?.(bind)) ?? STATUS.ESME_ROK
    if (status !== STATUS.ESME_ROK) return { status }
    this.#clock.clearTimer(this.#bindTimer)
    this.#bound = { systemId, role }
    onEvent?.({ kind: 'bound', systemId, role, peer: this.#peer })
    return { status, body: { system_id: 'maskline-lab' } }
  }

  async #onSubmit(systemId: string, body: MessageBody): Promise<Answer> {
    const part = this.#read(systemId, body)
    const answer = await this.#options.onSubmit(part)
    switch (answer.do) {
      case 'refuse':
        return { status: answer.status }
      case 'ignore':
        return 'silent'
      case 'drop':
        this.drop('dropped')
        return 'silent'
      case 'accept': {
        const { messageId = this.#handlers.nextMessageId(), receipt: state } = answer
        // The response has been written when this runs.
        if (state !== undefined && part.receipt) {
          setImmediate(() => void this.#handlers.sendReceipt(systemId, { messageId, state }, part))
        }
        return { status: STATUS.ESME_ROK, body: { message_id: messageId } }
      }
    }
  }

  #read(systemId: string, body: MessageBody): SubmittedPart {
    const { numbers, defaultAlphabet } = this.#options
    return {
      systemId,
      ...readParties(body, numbers),
      ...readUserData(body, defaultAlphabet),
      receipt: (body.registered_delivery & 3) !== 0,
      receivedAt: this.#clock.now(),
    }
  }
}
