/**
 * What of a codec passes to the other party: names and parameters known here, in our spelling. Anything else a phone
 * may write into its SDP, a number or an address in the name of a codec, ends here.
 */
const AMR =
  'octet-align mode-set mode-change-period mode-change-capability mode-change-neighbor crc robust-sorting interleaving max-red'

/** Codec names in canonical spelling, each with the keys of its `a=fmtp` (RFC of the payload format). */
const CODECS: Readonly<Record<string, string>> = {
  PCMU: '',
  PCMA: '',
  G722: '',
  G7221: 'bitrate',
  G723: 'annexa bitrate',
  'G726-16': '',
  'G726-24': '',
  'G726-32': '',
  'G726-40': '',
  G728: '',
  G729: 'annexb',
  iLBC: 'mode',
  opus: 'maxplaybackrate sprop-maxcapturerate maxaveragebitrate minptime ptime maxptime stereo sprop-stereo cbr useinbandfec usedtx',
  AMR,
  'AMR-WB': AMR,
  EVS: `${AMR} evs-mode-switch hf-only dtx dtx-recv br br-send br-recv bw bw-send bw-recv cmr ch-send ch-recv ch-aw-recv`,
  GSM: '',
  'GSM-EFR': '',
  LPC: '',
  L16: '',
  SILK: 'maxaveragebitrate useinbandfec usedtx',
  speex: 'vbr cng',
  CN: '',
  'telephone-event': '',
}

const KNOWN: ReadonlyMap<string, { readonly name: string; readonly keys: ReadonlySet<string> }> = new Map(
  Object.entries(CODECS).map(([name, keys]) => [
    name.toLowerCase(),
    { name, keys: new Set(keys.split(' ')) },
  ]),
)

/** The names of codecs that carry speech. */
export const SPEECH_CODECS: readonly string[] = Object.keys(CODECS).filter(
  (name) => name !== 'CN' && name !== 'telephone-event',
)

/** RTP clocks in use; a number in this place carries nothing else. */
export const CLOCK_RATES_HZ: ReadonlySet<number> = new Set([
  8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
])

const VALUE = /^[0-9A-Za-z.,/-]{1,32}$/
/** `0-15,66`: events are 0…255 (RFC 4733 §2.4.1). */
const EVENTS = /^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?){0,7}$/

/** The codec's name as we write it; undefined for one that is not passed on. */
export const canonicalName = (name: string): string | undefined => KNOWN.get(name.toLowerCase())?.name

/** The parameters of a codec that may pass, in their order; undefined when none does. */
export function cleanParameters(name: string, fmtp: string | undefined): string | undefined {
  if (fmtp === undefined) return undefined
  const known = KNOWN.get(name.toLowerCase())
  if (known?.name === 'telephone-event') return EVENTS.test(fmtp) && !holdsNumber(fmtp) ? fmtp : undefined
  const passed = new Map<string, string>()
  for (const parameter of fmtp.split(';')) {
    const [told = '', value, more] = parameter.split('=')
    const key = told.trim().toLowerCase()
    if (!known?.keys.has(key) || key === '' || passed.has(key) || more !== undefined) continue
    const kept = value?.trim()
    if (kept === undefined) passed.set(key, key)
    else if (VALUE.test(kept) && !holdsNumber(kept)) passed.set(key, `${key}=${kept}`)
  }
  return passed.size > 0 ? [...passed.values()].join(';') : undefined
}

/** Seven digits and more, however they are set apart; the comma parts lists of small numbers. */
const holdsNumber = (value: string): boolean => /\d{7}/.test(value.replace(/[./-]/g, ''))
