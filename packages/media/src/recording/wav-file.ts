import fs from 'node:fs'
import type { RecordingResult } from '../engine.ts'
import {
  WAV_ALAW,
  WAV_HEADER_BYTES,
  WAV_UNKNOWN_SIZE,
  wavHeader,
  type WavFormat,
} from '../audio/wav-format.ts'
import { recoverWav } from './recover.ts'

/** A disk that is so far behind, 16 s of stereo or 32 s of mono, will not catch up. */
const MAX_PENDING_BYTES = 256 * 1024
/** Recordings are for the service's own account only. */
const FILE_MODE = 0o600

/**
 * A WAV file that grows: A-law, 8 kHz. Written beside the event loop, one write at a time; memory is bounded. The first
 * fault (disk full, no such folder, disk too slow) is told once, and the rest of the audio is dropped.
 */
export class WavFile {
  readonly #file: string
  readonly #format: WavFormat
  readonly #onFailure: (error: Error) => void
  #fd: number | undefined
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #dataBytes = 0
  #isWriting = true
  #failed = false
  #whenIdle: (() => void) | undefined

  /** Makes `file` anew. */
  constructor(file: string, channels: 1 | 2, onFailure: (error: Error) => void) {
    this.#file = file
    this.#format = { code: WAV_ALAW, channels, rateHz: 8000, bits: 8 }
    this.#onFailure = onFailure
    this.#pending.push(wavHeader(this.#format, WAV_UNKNOWN_SIZE))
    fs.open(file, 'w', FILE_MODE, (error, fd) => {
      if (error) return this.#failWrite(error)
      this.#fd = fd
      this.#writeNext(fd)
    })
  }

  append(audio: Uint8Array): void {
    if (this.#failed || audio.length === 0) return
    this.#pending.push(audio)
    this.#pendingBytes += audio.length
    this.#dataBytes += audio.length
    if (this.#pendingBytes > MAX_PENDING_BYTES)
      this.#fail(new Error('the disk does not keep up with the recording'))
    else if (!this.#isWriting && this.#fd !== undefined) this.#writeNext(this.#fd)
  }

  /** Writes what is left and the true sizes. Of a file that failed, what could be saved; undefined: nothing. */
  async finish(): Promise<RecordingResult | undefined> {
    if (this.#dataBytes & 1 && !this.#failed) this.#pending.push(new Uint8Array(1))
    if (!this.#isWriting && this.#fd !== undefined && this.#pending.length > 0) this.#writeNext(this.#fd)
    if (this.#isWriting) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    if (!this.#failed) await this.#writeSizes().catch((error: Error) => this.#fail(error))
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) await new Promise<void>((resolve) => fs.close(fd, () => resolve()))
    if (this.#failed) return recoverWav(this.#file).catch(() => undefined)
    const durationMs = Math.round(this.#dataBytes / (8 * this.#format.channels))
    return { file: this.#file, durationMs, bytes: WAV_HEADER_BYTES + this.#dataBytes + (this.#dataBytes & 1) }
  }

  #writeNext(fd: number): void {
    const [first, ...rest] = this.#pending
    if (first === undefined) return this.#idle()
    const chunk = rest.length === 0 ? first : Buffer.concat(this.#pending)
    this.#pending = []
    this.#isWriting = true
    this.#write(fd, chunk)
  }

  #write(fd: number, chunk: Uint8Array): void {
    fs.write(fd, chunk, (error, written) => {
      if (error) return this.#failWrite(error)
      // A disk that is nearly full takes a part.
      if (written < chunk.length) return this.#write(fd, chunk.subarray(written))
      this.#pendingBytes = this.#pending.reduce((bytes, part) => bytes + part.length, 0)
      this.#writeNext(fd)
    })
  }

  #idle(): void {
    this.#isWriting = false
    this.#whenIdle?.()
  }

  /** A write that is under way goes on, and ends as the last. */
  #fail(error: Error): void {
    if (this.#failed) return
    this.#failed = true
    this.#pending = []
    this.#onFailure(error)
  }

  #failWrite(error: Error): void {
    this.#fail(error)
    this.#idle()
  }

  #writeSizes(): Promise<void> {
    const header = wavHeader(this.#format, this.#dataBytes)
    return new Promise((resolve, reject) => {
      const fd = this.#fd
      if (fd === undefined) return resolve()
      fs.write(fd, header, 0, header.length, 0, (error) => (error ? reject(error) : resolve()))
    })
  }
}
