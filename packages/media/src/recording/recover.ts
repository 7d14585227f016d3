import { open, type FileHandle } from 'node:fs/promises'
import { WavError, blockBytesOf, findWavParts, riffSize, type WavParts } from '../audio/wav-format.ts'
import type { RecordingResult } from '../engine.ts'

/** Enough for the chunks that stand before the samples in any file of ours. */
const HEAD_BYTES = 4096

/**
 * Repairs a WAV file whose writer died: takes its true length for the sizes in its header, and cuts a sample that is
 * there in part. A file that is whole is left as it is. Undefined when it is missing, no WAV file, or has no sample.
 */
export async function recoverWav(file: string): Promise<RecordingResult | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { size } = await handle.stat()
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES))
    await handle.read(head, 0, head.length, 0)
    const parts = partsOf(head)
    if (parts === undefined) return undefined
    const bytes = await repair(handle, parts, size)
    return bytes && { file, ...bytes }
  } finally {
    await handle.close()
  }
}

function partsOf(head: Buffer): WavParts | undefined {
  try {
    return findWavParts(head)
  } catch (error) {
    if (error instanceof WavError) return undefined
    throw error
  }
}

async function repair(
  handle: FileHandle,
  { format, dataStart, declaredBytes }: WavParts,
  size: number,
): Promise<Omit<RecordingResult, 'file'> | undefined> {
  const blockBytes = blockBytesOf(format)
  if (blockBytes === 0 || format.rateHz === 0) return undefined
  const there = Math.min(declaredBytes, size - dataStart)
  const dataBytes = there - (there % blockBytes)
  if (dataBytes <= 0) return undefined
  const end = dataStart + dataBytes
  const bytes = declaredBytes <= size - dataStart ? size : end + (dataBytes & 1)
  if (bytes !== size) await handle.truncate(end)
  if (bytes > end && bytes !== size) await handle.write(Buffer.of(0), 0, 1, end)
  if (dataBytes !== declaredBytes) {
    await writeUint32(handle, riffSize(dataStart, dataBytes), 4)
    await writeUint32(handle, dataBytes, dataStart - 4)
  }
  return { durationMs: Math.round((dataBytes / blockBytes / format.rateHz) * 1000), bytes }
}

async function writeUint32(handle: FileHandle, value: number, position: number): Promise<void> {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  await handle.write(bytes, 0, 4, position)
}
