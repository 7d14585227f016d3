/** One SIP message on its way, as the ladder draws it. */
export type LadderMessage = {
  /** Milliseconds of any clock; the ladder shows the time since its first message. */
  readonly atMs: number
  /** Who sent it and who gets it: one of a participant's `addresses`, `127.0.0.1:5060`. */
  readonly from: string
  readonly to: string
  /** `INVITE sip:+8617000000001@maskline.example SIP/2.0`, `SIP/2.0 180 Ringing`. */
  readonly startLine: string
}

export type LadderParticipant = { readonly label: string; readonly addresses: readonly string[] }

export type LadderOptions = {
  /** ANSI colours: requests, progress, success, failure. Default false. */
  readonly colour?: boolean
  /** Columns of the terminal; default 100. Narrow ones cut texts, never lines apart. */
  readonly width?: number
  /** Only 7-bit characters. Default false. */
  readonly ascii?: boolean
}

const TIME_WIDTH = 9
/** An arrow that still says something: `|-INVITE->|`. */
const MIN_GAP = 10

const DRAWN = { line: '│', shaft: '─', left: '◀', right: '▶', cut: '…' } as const
const TYPED = { line: '|', shaft: '-', left: '<', right: '>', cut: '~' } as const
type Glyphs = typeof DRAWN | typeof TYPED

/**
 * Draws messages as a ladder: a life line for each participant, an arrow for each message, in the order given. Messages
 * from or to nobody of the participants are left out. Lines end with `\n`.
 */
export function renderLadder(
  messages: readonly LadderMessage[],
  participants: readonly LadderParticipant[],
  options: LadderOptions = {},
): string {
  const glyphs = options.ascii === true ? TYPED : DRAWN
  const columns = lifeLines(participants, options.width ?? 100)
  const start = messages[0]?.atMs ?? 0
  const lines = [heading(participants, columns), rung(columns, glyphs)]
  for (const message of messages) {
    const from = columns[columnOf(message.from, participants)]
    const to = columns[columnOf(message.to, participants)]
    if (from === undefined || to === undefined || from === to) continue
    const time = ((message.atMs - start) / 1_000).toFixed(3).padStart(TIME_WIDTH - 2)
    const paint = options.colour === true ? colourOf(message.startLine) : (text: string) => text
    lines.push(arrow(time, rung(columns, glyphs), from, to, labelOf(message.startLine), paint, glyphs))
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

/**
 * What an arrow says: method and the number asked for, or status and reason. `INVITE +8617000000001`, `180 Ringing`.
 */
export function labelOf(startLine: string): string {
  const status = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(startLine)
  if (status !== null) return `${status[1]} ${status[2]}`.trimEnd()
  const [method = '', uri = ''] = startLine.split(' ')
  const user = /^(?:sips?:([^@;?]+)@|tel:([^;]+))/.exec(uri)
  const number = user?.[1] ?? user?.[2]
  // In a dialog the URI names a contact, which says nothing to the reader.
  return method === 'INVITE' && number !== undefined ? `${method} ${number}` : method
}

function lifeLines(participants: readonly LadderParticipant[], width: number): number[] {
  const first = TIME_WIDTH + Math.ceil((participants[0]?.label.length ?? 0) / 2)
  const last = width - Math.ceil((participants.at(-1)?.label.length ?? 0) / 2) - 1
  const gaps = Math.max(1, participants.length - 1)
  const gap = Math.max(MIN_GAP, Math.floor((last - first) / gaps))
  return participants.map((_, i) => first + i * gap)
}

function columnOf(address: string, participants: readonly LadderParticipant[]): number {
  return participants.findIndex(({ addresses }) => addresses.includes(address))
}

/** Labels centred over their lines; one that would run into its neighbour is moved right. */
function heading(participants: readonly LadderParticipant[], columns: readonly number[]): string {
  let line = ''
  participants.forEach(({ label }, i) => {
    const start = Math.max((columns[i] ?? 0) - (label.length >> 1), line === '' ? 0 : line.length + 1)
    line = line.padEnd(start) + label
  })
  return line
}

function rung(columns: readonly number[], glyphs: Glyphs): string {
  let line = ''
  for (const column of columns) line = line.padEnd(column) + glyphs.line
  return line
}

function arrow(
  time: string,
  lines: string,
  from: number,
  to: number,
  label: string,
  paint: (text: string) => string,
  glyphs: Glyphs,
): string {
  const left = Math.min(from, to) + 1
  const right = Math.max(from, to)
  const room = right - left
  // Two characters of shaft and head, and a blank each side of the text.
  const text = label.length <= room - 4 ? label : `${label.slice(0, Math.max(0, room - 5))}${glyphs.cut}`
  const shaft =
    from < to
      ? `${glyphs.shaft} ${text} `.padEnd(room - 1, glyphs.shaft) + glyphs.right
      : `${glyphs.left}${glyphs.shaft} ${text} `.padEnd(room, glyphs.shaft)
  return `${time}${lines.slice(time.length, left)}${paint(shaft)}${lines.slice(right)}`
}

const CYAN = 36
const YELLOW = 33
const GREEN = 32
const RED = 31

function colourOf(startLine: string): (text: string) => string {
  const status = /^SIP\/2\.0 (\d)/.exec(startLine)?.[1]
  const code = status === undefined ? CYAN : status === '1' ? YELLOW : status === '2' ? GREEN : RED
  return (text) => `\u001b[${code}m${text}\u001b[0m`
}
