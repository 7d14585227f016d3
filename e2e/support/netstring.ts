/** Netstrings (`5:hello,`), the framing of baresip's ctrl_tcp module. */
export function encodeNetstring(text: string): Buffer {
  const body = Buffer.from(text, 'utf8')
  return Buffer.concat([Buffer.from(`${body.length}:`, 'latin1'), body, Buffer.from(',', 'latin1')])
}

/** Collects bytes from a stream and gives the texts completed by each chunk. Throws on bytes that are no netstring. */
export function createNetstringReader(): (chunk: Buffer) => string[] {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    const texts: string[] = []
    for (;;) {
      const colon = pending.indexOf(':')
      if (colon < 0) return texts
      const length = Number(pending.toString('latin1', 0, colon))
      if (!Number.isInteger(length) || colon === 0) throw new Error('not a netstring')
      const end = colon + 1 + length
      if (pending.length <= end) return texts
      texts.push(pending.toString('utf8', colon + 1, end))
      pending = pending.subarray(end + 1)
    }
  }
}
