import type { MessageBody } from '../pdu/pdu.ts'
import { codingOf, dataCodingOf, encode, type Coding } from '../text/coding.ts'
import { concatUdh, readUdh, validConcat, type Concat } from '../text/concat.ts'
import { decodeNational } from '../text/national.ts'
import type { TextPart } from '../text/split.ts'

/** The part of a message body that carries user data. */
export type UserDataBody = Pick<
  MessageBody,
  | 'esm_class'
  | 'data_coding'
  | 'short_message'
  | 'message_payload'
  | 'sar_msg_ref_num'
  | 'sar_total_segments'
  | 'sar_segment_seqnum'
>

/** Bit 6 of esm_class: user data begins with a header (SMPP 3.4 §5.2.12). */
const UDH_INDICATOR = 0x40
/** Above that, user data goes into message_payload (§4.4.1). */
const MAX_SHORT_MESSAGE = 254

/** Writes a part: its header before the text or as SAR parameters, long data as message_payload. */
export function writeUserData({ userData, coding, concat }: TextPart): UserDataBody {
  const udh = concat && concatUdh(concat)
  const whole = udh === undefined ? userData : Buffer.concat([udh, userData])
  const isShort = whole.length <= MAX_SHORT_MESSAGE
  return {
    esm_class: udh === undefined ? 0 : UDH_INDICATOR,
    data_coding: dataCodingOf(coding),
    short_message: isShort ? whole : NOTHING,
    ...(isShort ? {} : { message_payload: whole }),
    ...(concat !== undefined && udh === undefined ? sarOf(concat) : {}),
  }
}

const NOTHING = Buffer.alloc(0)

const sarOf = ({ reference, total, index }: Concat) => ({
  sar_msg_ref_num: reference & 0xffff,
  sar_total_segments: total & 0xff,
  sar_segment_seqnum: index & 0xff,
})

/**
 * Reads a part, wherever its data and its place in a long message stand; the only part of a message has no place. The bytes are a copy, which holds on to no
 * buffer of the socket. Septets of a national language become UCS-2.
 * @param smscDefault what data_coding 0 stands for
 */
export function readUserData(body: UserDataBody, smscDefault?: Coding): TextPart {
  const short = body.short_message ?? NOTHING
  const bytes = new Uint8Array(short.length > 0 ? short : (body.message_payload ?? NOTHING))
  const inHeader: ReturnType<typeof readUdh> =
    (body.esm_class & UDH_INDICATOR) === 0 ? { userData: bytes } : readUdh(bytes)
  const coding = codingOf(body.data_coding, smscDefault)
  const concat = inHeader.concat ?? concatOfSar(body)
  const { shifts, userData } = inHeader
  const text: Pick<TextPart, 'userData' | 'coding'> =
    shifts && coding === 'gsm7'
      ? { userData: encode(decodeNational(userData, shifts), 'ucs2'), coding: 'ucs2' }
      : { userData, coding }
  const isAlone = concat === undefined || concat.total === 1
  return { ...text, ...(isAlone ? {} : { concat }) }
}

function concatOfSar(body: UserDataBody): Concat | undefined {
  const { sar_msg_ref_num: reference, sar_total_segments: total, sar_segment_seqnum: index } = body
  if (reference === undefined || total === undefined || index === undefined) return undefined
  return validConcat({ reference, total, index, header: 'sar' })
}
