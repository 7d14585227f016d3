import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readWav, writeWav } from '@maskline/media'
import type { CallRecord } from '../calls/call-record.ts'
import type { E164 } from '../shared/e164.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { Recover } from './keeper.ts'
import type { OpenFile } from './ports.ts'

/** What the tests of recordings share. */

export function tempFolder(): { readonly dir: string; remove(): void } {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-rec-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

/** An A-law WAV file of that length, each of a content of its own. */
export function putWav(file: string, durationMs: number): Uint8Array {
  const samples = Uint8Array.from({ length: durationMs * 8 }, (_, i) => (i * 7 + durationMs) & 0xff)
  const bytes = writeWav({ encoding: 'alaw', samples })
  writeFileSync(file, bytes)
  return bytes
}

/** Stands in for `recoverWav` of media where only the length counts. */
export const readLength: Recover = async (file) => {
  if (!existsSync(file)) return undefined
  const bytes = await readFile(file)
  const { samples } = readWav(bytes)
  return samples.length === 0 ? undefined : { durationMs: samples.length / 8, bytes: bytes.length }
}

export async function contentOf({ stream }: OpenFile): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export function aRecord(changes: Partial<CallRecord> = {}): CallRecord {
  return {
    sessionId: '1200_1_1_20260212153020@maskline.local',
    icid: '0'.repeat(32) + '.1.1.1',
    hostName: 'maskline.local',
    appKey: 'app-key-0001',
    spId: 'sp-1',
    direction: 1,
    serviceType: '004',
    x: '+8617000000001' as E164,
    caller: '+8613800000021' as E164,
    callInAt: 0,
    ...changes,
  }
}

/** A clock whose hand is turned by tests; timers run when their time has come. */
export function handClock(start: EpochMs): Clock & { advance(ms: number): void } {
  let now = start
  let timers: { at: EpochMs; run: () => void }[] = []
  return {
    now: () => now,
    setTimer(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.push(timer)
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) }
    },
    advance(ms) {
      now += ms
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      for (const { run } of due) run()
    },
  }
}
