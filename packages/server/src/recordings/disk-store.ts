import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../shared/app-error.ts'
import type { ByteRange, OpenFile, RecordingKey, RecordingStore } from './ports.ts'

/** Recordings on a local disk: `folder/BUCKET/NAME`. Files come from the same disk, so that a move is a rename. */
export function createDiskStore(folder: string): RecordingStore {
  const pathOf = ({ bucket, object }: RecordingKey): string => path.join(folder, bucket, object)
  return {
    async put(key, file) {
      try {
        await mkdir(path.join(folder, key.bucket), { recursive: true, mode: 0o700 })
        await syncFile(file)
        await rename(file, pathOf(key))
        await syncFile(path.join(folder, key.bucket))
      } catch (cause) {
        throw new AppError('RECORDING_STORE', `${pathOf(key)} cannot be written: ${String(cause)}`, { cause })
      }
    },
    open: (key, range) => openLocal(pathOf(key), range),
    async delete(key) {
      try {
        await rm(pathOf(key), { force: true })
      } catch (cause) {
        throw new AppError('RECORDING_STORE', `${pathOf(key)} cannot be deleted: ${String(cause)}`, { cause })
      }
    },
  }
}

/** Brings a file, or the names of a directory, onto the disk itself. */
async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A local file, or a part of it; `undefined` when there is none. The stream closes its file by itself. */
export async function openLocal(file: string, range?: ByteRange): Promise<OpenFile | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file, 'r')
    const { size } = await handle.stat()
    return { stream: createReadStream(file, { fd: handle, ...range }), size }
  } catch (cause) {
    await handle?.close()
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AppError('RECORDING_STORE', `${file} cannot be read: ${String(cause)}`, { cause })
  }
}
