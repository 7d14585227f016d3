/**
 * PDUs as plain data. Parameters have the names that SMPP 3.4 gives them (§4 and §5), as in the tables of the `smpp`
 * package.
 */

export type BindBody = {
  readonly system_id: string
  readonly password: string
  readonly system_type?: string
  /** 0x34 is SMPP 3.4. */
  readonly interface_version?: number
  readonly addr_ton?: number
  readonly addr_npi?: number
  readonly address_range?: string
}

/** submit_sm and deliver_sm (§4.4.1, §4.6.1), and what data_sm has of them (§4.7.1). */
export type MessageBody = {
  readonly source_addr_ton: number
  readonly source_addr_npi: number
  readonly source_addr: string
  readonly dest_addr_ton: number
  readonly dest_addr_npi: number
  readonly destination_addr: string
  readonly esm_class: number
  readonly registered_delivery: number
  readonly data_coding: number
  readonly short_message?: Uint8Array
  readonly validity_period?: string
  readonly service_type?: string
  // TLVs
  readonly message_payload?: Uint8Array
  readonly sar_msg_ref_num?: number
  readonly sar_total_segments?: number
  readonly sar_segment_seqnum?: number
  readonly receipted_message_id?: string
  readonly message_state?: number
  /** Network type, then an error code of 16 bits. */
  readonly network_error_code?: Uint8Array
}

/** What a bind lets through: both ways, messages to the SMSC, or messages of the SMSC. */
export type BindRole = 'transceiver' | 'transmitter' | 'receiver'

type MessageIdBody = { readonly message_id?: string }
type SystemIdBody = { readonly system_id?: string }
type NoBody = Readonly<Record<never, never>>

/** The requests that we know, with their bodies. */
export type RequestBodies = {
  readonly bind_transceiver: BindBody
  readonly bind_transmitter: BindBody
  readonly bind_receiver: BindBody
  readonly submit_sm: MessageBody
  readonly deliver_sm: MessageBody
  readonly data_sm: MessageBody
  readonly enquire_link: NoBody
  readonly unbind: NoBody
}

/** Their responses. A response with an error status may come without its body. */
export type ResponseBodies = {
  readonly bind_transceiver_resp: SystemIdBody
  readonly bind_transmitter_resp: SystemIdBody
  readonly bind_receiver_resp: SystemIdBody
  readonly submit_sm_resp: MessageIdBody
  readonly deliver_sm_resp: MessageIdBody
  readonly data_sm_resp: MessageIdBody
  readonly enquire_link_resp: NoBody
  readonly unbind_resp: NoBody
  readonly generic_nack: NoBody
}

export type RequestCommand = keyof RequestBodies
export type ResponseCommand = keyof ResponseBodies
export type Command = RequestCommand | ResponseCommand
export type BodyOf = RequestBodies & ResponseBodies

/** One PDU: a union over `C`, told apart by `command`. */
export type Pdu<C extends Command = Command> = {
  [K in C]: {
    readonly command: K
    /** command_status; 0 in requests. */
    readonly status: number
    /** sequence_number: 1 to 0x7fffffff, the response has that of its request. */
    readonly sequence: number
    readonly body: BodyOf[K]
  }
}[C]

export type RequestPdu = Pdu<RequestCommand>
export type ResponsePdu = Pdu<ResponseCommand>

export const isResponse = (pdu: Pdu): pdu is ResponsePdu =>
  pdu.command === 'generic_nack' || pdu.command.endsWith('_resp')

/** SMPP 3.4 §5.1.4. */
export const MAX_SEQUENCE = 0x7fffffff

/** The number after `last`; 1 follows the greatest. Those that still wait for a response are passed over. */
export function nextSequence(last: number, isTaken: (sequence: number) => boolean): number {
  let next = last
  do next = next >= MAX_SEQUENCE ? 1 : next + 1
  while (isTaken(next))
  return next
}
