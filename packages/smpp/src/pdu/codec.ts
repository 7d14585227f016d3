import smpp, { type FieldType } from 'smpp'
import type { BodyOf, Command, MessageBody, Pdu, RequestCommand } from './pdu.ts'

/**
 * PDUs to bytes and back. The tables and the encoder are those of the `smpp` package; its reader is not used, for it reads
 * past the end of a short PDU without a word, and turns user data into text, which loses bytes.
 */

/** Texts and times are bytes and strings already: nothing is turned into anything. */
class PlainPdu extends smpp.PDU {
  override _filter(): void {
    // nothing to turn
  }
}

/**
 * The bytes of a PDU. With an error status the body is left out (SMPP 3.4 §4.1.2 and on).
 * @throws {RangeError} when a string has characters that a C-Octet String cannot carry
 */
export function encodePdu<C extends Command>(
  command: C,
  sequence: number,
  body: BodyOf[C],
  status = 0,
): Buffer {
  const options: Record<string, unknown> = { sequence_number: sequence, command_status: status }
  for (const [name, value] of Object.entries(body) as [string, unknown][]) {
    if (typeof value === 'string' && !C_STRING.test(value)) {
      throw new RangeError(`${command}: ${name} is not ASCII text`)
    }
    if (value !== undefined) options[name] = value instanceof Uint8Array ? asBuffer(value) : value
  }
  return new PlainPdu(command, options).toBuffer()
}

/** ASCII without NUL, which would end the string early and shift all that follows. */
const C_STRING = /^[\x01-\x7f]*$/

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export type Decoded =
  | { readonly kind: 'pdu'; readonly pdu: Pdu }
  /** A request whose lengths do not add up. */
  | {
      readonly kind: 'malformed'
      readonly command: RequestCommand
      readonly sequence: number
      readonly detail: string
    }
  /** A command that we do not know; `isResponse` by its highest bit. */
  | {
      readonly kind: 'unknown'
      readonly commandId: number
      readonly sequence: number
      readonly isResponse: boolean
    }

/** By command_id: what we know of it. */
const known = new Map(
  (
    [
      'bind_transceiver',
      'bind_transmitter',
      'bind_receiver',
      'submit_sm',
      'deliver_sm',
      'data_sm',
      'enquire_link',
      'unbind',
      'bind_transceiver_resp',
      'bind_transmitter_resp',
      'bind_receiver_resp',
      'submit_sm_resp',
      'deliver_sm_resp',
      'data_sm_resp',
      'enquire_link_resp',
      'unbind_resp',
      'generic_nack',
    ] as const satisfies readonly Command[]
  ).map((command) => {
    const { id, params = {} } = smpp.commands[command]!
    return [id, { command, params: Object.entries(params).map(([name, { type }]) => ({ name, type })) }]
  }),
)

/** The optional parameters that we read; the others are passed over. */
const TLVS = {
  message_payload: 'octets',
  sar_msg_ref_num: 'number',
  sar_total_segments: 'number',
  sar_segment_seqnum: 'number',
  receipted_message_id: 'string',
  message_state: 'number',
  network_error_code: 'octets',
} as const satisfies Partial<Record<keyof MessageBody, TlvKind>>

type TlvKind = 'octets' | 'number' | 'string'

/** By tag. */
const knownTlvs = new Map(Object.entries(TLVS).map(([name, kind]) => [smpp.tlvs[name]!.id, { name, kind }]))

/** command_length, command_id, command_status, sequence_number. */
export const HEADER_OCTETS = 16

/**
 * Reads one whole PDU, as the framer cuts them. A response is read as far as it goes, since its status tells what became of
 * the request even if the rest is broken; a request must be whole. Byte strings are views on `bytes`.
 */
export function decodePdu(bytes: Buffer): Decoded {
  const commandId = bytes.readUInt32BE(4)
  const status = bytes.readUInt32BE(8)
  const sequence = bytes.readUInt32BE(12)
  const entry = known.get(commandId)
  if (entry === undefined) {
    return { kind: 'unknown', commandId, sequence, isResponse: commandId >= 0x80000000 }
  }
  const { body, fault } = readBody(bytes, entry.params)
  if (fault !== undefined && commandId < 0x80000000) {
    return { kind: 'malformed', command: entry.command as RequestCommand, sequence, detail: fault }
  }
  return { kind: 'pdu', pdu: { command: entry.command, status, sequence, body } as Pdu }
}

type Field = { readonly name: string; readonly type: FieldType }

/** What could be read, and what was wrong with the rest. */
function readBody(
  bytes: Buffer,
  params: readonly Field[],
): { readonly body: Record<string, unknown>; readonly fault?: string } {
  const body: Record<string, unknown> = {}
  let at = HEADER_OCTETS
  for (const { name, type } of params) {
    if (at >= bytes.length) return { body, fault: `${name} is missing` }
    const value = type.read(bytes, at)
    // The package cuts a byte string at the end of the PDU instead of saying that it is too long.
    const size = Buffer.isBuffer(value) ? bytes[at]! + 1 : type.size(value)
    body[name] = value
    if (at + size > bytes.length) return { body, fault: `${name} is longer than the PDU` }
    at += size
  }
  while (at + 4 <= bytes.length) {
    const field = knownTlvs.get(bytes.readUInt16BE(at))
    const from = at + 4
    at = from + bytes.readUInt16BE(at + 2)
    if (at > bytes.length) return { body, fault: 'an optional parameter is longer than the PDU' }
    if (field !== undefined) body[field.name] = readTlv(bytes.subarray(from, at), field.kind)
  }
  return at === bytes.length ? { body } : { body, fault: 'octets after the last parameter' }
}

/** A number may come with more or fewer octets than it should have; with none or too many, it is not there. */
function readTlv(bytes: Buffer, kind: TlvKind): Buffer | number | string | undefined {
  switch (kind) {
    case 'octets':
      return bytes
    case 'number':
      return bytes.length >= 1 && bytes.length <= 4 ? bytes.readUIntBE(0, bytes.length) : undefined
    case 'string': {
      const end = bytes.indexOf(0)
      return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
    }
  }
}
