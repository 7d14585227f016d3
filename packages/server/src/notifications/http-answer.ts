/** Longest status line and headers of an answer; also of a chunk size line. */
const MAX_HEAD = 16 * 1024
/** Nobody reads the body of an answer; a longer one costs the connection, not the delivery. */
const MAX_BODY = 64 * 1024

/** Longest answer that is remembered, bytes. */
const MAX_KNOWN = 1024

type KnownAnswer = {
  readonly bytes: Buffer
  readonly status: number
  readonly reusable: boolean
  readonly keepAliveSec: number | undefined
}

/**
 * How far an answer is. `whole`: read to its end. `broken`: what came is not an HTTP/1.x answer.
 */
export type AnswerProgress = 'more' | 'whole' | 'broken'

/**
 * Reads the answers on one connection, one after another, and keeps of each what a push needs: the status, and whether
 * the connection can be used again (RFC 9112). Bodies are skipped in all their framings.
 */
export class AnswerReader {
  #head = ''
  #part: 'head' | 'length' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'idle' =
    'idle'
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0
  #bodyBytes = 0
  #status = 0
  #reusable = false
  #keepAliveSec: number | undefined
  #began = false
  /** The last answer that came whole in one read, with what was found in it: a server says the same again and again. */
  #known: KnownAnswer | undefined

  /** Status of the final answer; 0 before it is known. */
  get status(): number {
    return this.#status
  }

  /** Whether any byte of the answer has come. */
  get began(): boolean {
    return this.#began
  }

  /** Whether another request may follow on this connection; known when the answer is whole. */
  get reusable(): boolean {
    return this.#reusable
  }

  /** `timeout` of the answer's Keep-Alive header, seconds. */
  get keepAliveSec(): number | undefined {
    return this.#keepAliveSec
  }

  /** A request has been sent: what comes now is its answer. */
  expect(): void {
    this.#head = ''
    this.#part = 'head'
    this.#bodyBytes = 0
    this.#status = 0
    this.#reusable = false
    this.#keepAliveSec = undefined
    this.#began = false
  }

  feed(chunk: Buffer): AnswerProgress {
    const isFirst = !this.#began
    this.#began = true
    if (!isFirst) return this.#read(chunk)
    if (this.#known?.bytes.equals(chunk) === true) {
      this.#status = this.#known.status
      this.#reusable = this.#known.reusable
      this.#keepAliveSec = this.#known.keepAliveSec
      this.#part = 'idle'
      return 'whole'
    }
    const progress = this.#read(chunk)
    if (progress === 'whole' && chunk.length <= MAX_KNOWN)
      this.#known = {
        bytes: Buffer.from(chunk),
        status: this.#status,
        reusable: this.#reusable,
        keepAliveSec: this.#keepAliveSec,
      }
    return progress
  }

  #read(chunk: Buffer): AnswerProgress {
    let at = 0
    while (at < chunk.length) {
      switch (this.#part) {
        case 'head': {
          const end = this.#takeUntil(chunk, at, '\r\n\r\n')
          if (end === undefined) return this.#head.length > MAX_HEAD ? 'broken' : 'more'
          at = end
          if (!this.#readHead()) return 'broken'
          if (this.#hasNoBody()) return this.#end(chunk.length - at)
          break
        }
        case 'length':
        case 'chunk': {
          const taken = Math.min(this.#left, chunk.length - at)
          at += taken
          this.#left -= taken
          if (!this.#countBody(taken)) return 'whole'
          if (this.#left > 0) return 'more'
          if (this.#part === 'length') return this.#end(chunk.length - at)
          this.#part = 'chunk-end'
          break
        }
        case 'until-close':
          return this.#countBody(chunk.length - at) ? 'more' : 'whole'
        case 'chunk-size':
        case 'chunk-end':
        case 'trailer': {
          const end = this.#takeUntil(chunk, at, '\r\n')
          if (end === undefined) return this.#head.length > MAX_HEAD ? 'broken' : 'more'
          at = end
          const line = this.#head.slice(0, -2)
          this.#head = ''
          if (this.#part === 'trailer') {
            if (line === '') return this.#end(chunk.length - at)
          } else if (this.#part === 'chunk-end') {
            if (line !== '') return 'broken'
            this.#part = 'chunk-size'
          } else {
            const [size = ''] = line.split(';', 1)
            if (!/^[0-9a-f]{1,8}[ \t]*$/i.test(size)) return 'broken'
            this.#left = Number.parseInt(size, 16)
            this.#part = this.#left === 0 ? 'trailer' : 'chunk'
          }
          break
        }
        case 'idle':
          return 'broken'
        default:
          return this.#part satisfies never
      }
    }
    return 'more'
  }

  /** The peer closed its side: `whole` when that is what ends the answer. */
  close(): AnswerProgress {
    return this.#part === 'until-close' ? 'whole' : 'broken'
  }

  /** Gathers in `#head` up to and with `mark`; answers where the rest of the chunk begins. */
  #takeUntil(chunk: Buffer, at: number, mark: string): number | undefined {
    const before = this.#head.length
    this.#head += chunk.toString('latin1', at)
    const found = this.#head.indexOf(mark, Math.max(0, before - mark.length))
    if (found < 0) return undefined
    const length = found + mark.length
    this.#head = this.#head.slice(0, length)
    return at + length - before
  }

  #readHead(): boolean {
    const head = this.#head
    this.#head = ''
    const start = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?\r\n/.exec(head)
    if (!start) return false
    const status = Number(start[2])
    if (status === 101) return false
    if (status < 200) return true // An interim answer: the final one follows.
    let length: number | undefined
    let encoding = ''
    let connection = ''
    for (let at = start[0].length; at < head.length - 2;) {
      const end = head.indexOf('\r\n', at)
      const colon = head.indexOf(':', at)
      if (colon < 0 || colon > end) return false
      // Names that matter have 10, 14 and 17 letters: most headers need no lower-casing.
      const size = colon - at
      if (size === 10 || size === 14 || size === 17) {
        const name = head.slice(at, colon).toLowerCase()
        const value = head.slice(colon + 1, end).trim()
        if (name === 'content-length') {
          if (!/^\d{1,15}$/.test(value) || (length !== undefined && length !== Number(value))) return false
          length = Number(value)
        } else if (name === 'transfer-encoding') encoding += `,${value.toLowerCase()}`
        else if (name === 'connection') connection += `,${value.toLowerCase()}`
        else if (name === 'keep-alive') this.#keepAliveSec = keepAliveTimeout(value)
      }
      at = end + 2
    }
    this.#status = status
    const options = connection.split(',').map((option) => option.trim())
    this.#reusable = start[1] === '1' ? !options.includes('close') : options.includes('keep-alive')
    if (status === 204 || status === 304) length = 0
    else if (encoding !== '') {
      if (length !== undefined) this.#reusable = false // RFC 9112 section 6.3: the length is not to be trusted.
      length = undefined
    }
    if (length !== undefined) {
      this.#part = 'length'
      this.#left = length
    } else if (encoding.endsWith('chunked')) this.#part = 'chunk-size'
    else {
      this.#part = 'until-close'
      this.#reusable = false
    }
    return true
  }

  #hasNoBody(): boolean {
    return this.#part === 'length' && this.#left === 0
  }

  /** False when the body is longer than anyone should send: enough was read to know the status. */
  #countBody(bytes: number): boolean {
    this.#bodyBytes += bytes
    if (this.#bodyBytes <= MAX_BODY) return true
    this.#part = 'idle'
    this.#reusable = false
    return false
  }

  #end(surplus: number): AnswerProgress {
    this.#part = 'idle'
    if (surplus > 0) this.#reusable = false // Bytes nobody asked for: out of step.
    return 'whole'
  }
}

function keepAliveTimeout(value: string): number | undefined {
  const found = /(?:^|[\s,;])timeout\s*=\s*(\d{1,6})/i.exec(value)
  return found ? Number(found[1]) : undefined
}
