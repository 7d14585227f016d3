import { MediaError } from '../engine.ts'
import { makeCodec, staticCodec, type Codec } from './codec.ts'

/**
 * An SDP whose audio may use no other speech codecs than these, the preferred first (RFC 3264 §5.1: the order tells the
 * preference). `PCMA` names a codec at every clock rate, `AMR-WB/16000` at one. Telephone events and comfort noise stay, at the
 * end. Throws NO_COMMON_CODEC when no speech codec is left; an SDP without audio is given back as it is.
 */
export function preferCodecs(sdp: Uint8Array, wanted: readonly string[]): Buffer {
  const text = Buffer.from(sdp.buffer, sdp.byteOffset, sdp.byteLength).toString('latin1')
  // What stands before the first m-line is of the session.
  const [session = '', ...sections] = text.split(/^(?=m=)/m)
  const names = wanted.map((name) => name.toLowerCase())
  const kept = sections.map((section) => (isAudio(section) ? keepOnly(section, names) : section))
  return Buffer.from([session, ...kept].join(''), 'latin1')
}

/** An m-line with port 0 is refused or switched off, and its codecs mean nothing. */
const isAudio = (section: string): boolean => /^m=audio [1-9]/.test(section)

function keepOnly(section: string, wanted: readonly string[]): string {
  const [, head = '', types = ''] = /^(m=audio \S+ \S+)((?: \d+)+)/.exec(section) ?? []
  const codecs = types
    .split(' ')
    .slice(1)
    .map(Number)
    .map((payloadType) => codecOf(section, payloadType))
  const ranked = codecs
    .filter((codec) => codec.carriesSpeech)
    .map((codec) => ({ codec, rank: rankOf(codec, wanted) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ codec }) => codec)
  if (head !== '' && ranked.length === 0)
    throw new MediaError('NO_COMMON_CODEC', `none of ${wanted.join(', ')} is among the audio codecs offered`)
  const kept = [...ranked, ...codecs.filter((codec) => !codec.carriesSpeech)].map(
    (codec) => codec.payloadType,
  )
  return section
    .replace(head + types, `${head} ${kept.join(' ')}`)
    .replace(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) [^\r\n]*\r?\n?/gm, (line, type: string) =>
      kept.includes(Number(type)) ? line : '',
    )
}

function codecOf(section: string, payloadType: number): Codec {
  const map = new RegExp(`^a=rtpmap:${payloadType} ([^/\\s]+)/(\\d+)(?:/(\\d+))?`, 'm').exec(section)
  if (map !== null)
    return makeCodec({
      payloadType,
      name: map[1]!,
      clockRateHz: Number(map[2]),
      channels: Number(map[3] ?? 1),
      fmtp: undefined,
    })
  return (
    staticCodec(payloadType) ??
    makeCodec({
      payloadType,
      name: `unknown-${payloadType}`,
      clockRateHz: 8000,
      channels: 1,
      fmtp: undefined,
    })
  )
}

const rankOf = ({ name, clockRateHz }: Codec, wanted: readonly string[]): number => {
  const plain = name.toLowerCase()
  return wanted.findIndex((entry) => entry === plain || entry === `${plain}/${clockRateHz}`)
}
