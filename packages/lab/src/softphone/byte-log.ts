/** Keeps bytes up to a limit; what comes after it is dropped, so that a forgotten phone does not fill the memory. */
export type ByteLog = { add(bytes: Uint8Array): void; bytes(): Buffer }

export function createByteLog(limit: number): ByteLog {
  const parts: Uint8Array[] = []
  let size = 0
  return {
    add(bytes) {
      if (size + bytes.length > limit) return
      size += bytes.length
      parts.push(bytes)
    },
    bytes: () => Buffer.concat(parts, size),
  }
}
