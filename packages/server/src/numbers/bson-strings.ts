const STRING = 0x02

/**
 * Reads a BSON document that holds strings only (bsonspec.org):
 *
 *     int32 size | ( 0x02 | key 0x00 | int32 length | text 0x00 )* | 0x00
 *
 * Throws RangeError when it holds anything else or ends early.
 */
export function readStringDocument(bytes: Buffer): ReadonlyMap<string, string> {
  const entries = new Map<string, string>()
  const end = bytes.readInt32LE(0) - 1
  let at = 4
  while (at < end) {
    if (bytes[at] !== STRING) throw new RangeError(`not a string at byte ${at}`)
    const keyEnd = bytes.indexOf(0, at + 1)
    if (keyEnd < 0) throw new RangeError('the document ends within a key')
    const length = bytes.readInt32LE(keyEnd + 1)
    const text = keyEnd + 5
    if (length < 1 || text + length > end) throw new RangeError(`a string of ${length} bytes at byte ${text}`)
    entries.set(bytes.toString('latin1', at + 1, keyEnd), bytes.toString('utf8', text, text + length - 1))
    at = text + length
  }
  return entries
}
