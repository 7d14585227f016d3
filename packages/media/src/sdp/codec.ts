import type { G711 } from '../audio/g711.ts'
import { cleanParameters } from './codec-names.ts'

/** One payload type of an m-line. */
export type Codec = {
  readonly payloadType: number
  /** `PCMA`, in the spelling of `codec-names.ts`. */
  readonly name: string
  readonly clockRateHz: number
  readonly channels: number
  readonly fmtp: string | undefined
  /** What makes two payload types the same codec: name, clock and channels in lower case. */
  readonly key: string
  /** `key` with its parameters: what a payload number of a dynamic type stands for. */
  readonly identity: string
  readonly g711: G711 | undefined
  readonly isEvent: boolean
  /** False for telephone events and comfort noise, which cannot carry a call alone. */
  readonly carriesSpeech: boolean
}

const NOT_SPEECH: ReadonlySet<string> = new Set(['telephone-event', 'cn'])

export function makeCodec(codec: {
  readonly payloadType: number
  readonly name: string
  readonly clockRateHz: number
  readonly channels: number
  readonly fmtp: string | undefined
}): Codec {
  const name = codec.name.toLowerCase()
  const key = `${name}/${codec.clockRateHz}/${codec.channels}`
  const plain = codec.clockRateHz === 8000 && codec.channels === 1
  return {
    payloadType: codec.payloadType,
    name: codec.name,
    clockRateHz: codec.clockRateHz,
    channels: codec.channels,
    fmtp: codec.fmtp,
    key,
    identity: `${key};${codec.fmtp ?? ''}`,
    g711: plain && name === 'pcma' ? 'alaw' : plain && name === 'pcmu' ? 'ulaw' : undefined,
    isEvent: name === 'telephone-event',
    carriesSpeech: !NOT_SPEECH.has(name),
  }
}

/** Names of static payload types at 8000 Hz mono (RFC 3551 table 4). */
const STATIC_NAMES: Readonly<Record<number, string>> = {
  0: 'PCMU',
  3: 'GSM',
  4: 'G723',
  7: 'LPC',
  8: 'PCMA',
  9: 'G722',
  13: 'CN',
  15: 'G728',
  18: 'G729',
}

/** What a payload type means without an rtpmap. */
export function staticCodec(payloadType: number, fmtp?: string): Codec | undefined {
  const name = STATIC_NAMES[payloadType]
  return name === undefined
    ? undefined
    : makeCodec({ payloadType, name, clockRateHz: 8000, channels: 1, fmtp: cleanParameters(name, fmtp) })
}

export const PCMA: Codec = makeCodec({
  payloadType: 8,
  name: 'PCMA',
  clockRateHz: 8000,
  channels: 1,
  fmtp: undefined,
})
export const PCMU: Codec = makeCodec({
  payloadType: 0,
  name: 'PCMU',
  clockRateHz: 8000,
  channels: 1,
  fmtp: undefined,
})
export const TELEPHONE_EVENT: Codec = makeCodec({
  payloadType: 101,
  name: 'telephone-event',
  clockRateHz: 8000,
  channels: 1,
  fmtp: '0-16',
})

/** The same codec under another number. */
export const renumber = (codec: Codec, payloadType: number): Codec =>
  codec.payloadType === payloadType ? codec : { ...codec, payloadType }
