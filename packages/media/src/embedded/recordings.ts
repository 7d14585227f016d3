import type { RecordingOptions, RecordingResult } from '../engine.ts'
import { Recorder } from '../recording/recorder.ts'
import { WavFile } from '../recording/wav-file.ts'

/** With the jitter window this keeps what a crash can take below a second. */
const WRITE_EVERY_MS = 640

export type Recording = {
  readonly recorder: Recorder
  readonly file: WavFile
  nextWriteMs: number
}

/** The recordings of the worker: what became final goes to their files now and then. */
export class Recordings {
  readonly #running = new Set<Recording>()

  start(options: RecordingOptions, nowMs: number, onFailure: (error: Error) => void): Recording {
    const { layout } = options
    const file = new WavFile(options.file, layout === 'stereo' ? 2 : 1, (error) => {
      this.#running.delete(recording)
      onFailure(error)
    })
    const write = (audio: Uint8Array): void => file.append(audio)
    const recorder = new Recorder({ layout, startMs: nowMs, write })
    const recording: Recording = { recorder, file, nextWriteMs: nowMs + WRITE_EVERY_MS }
    this.#running.add(recording)
    return recording
  }

  /** Call it ten times a second, after the packets that wait have been taken. */
  sweep(nowMs: number): void {
    for (const recording of this.#running) {
      if (nowMs < recording.nextWriteMs) continue
      recording.nextWriteMs = nowMs + WRITE_EVERY_MS
      recording.recorder.drain(nowMs)
    }
  }

  finish(recording: Recording, nowMs: number): Promise<RecordingResult | undefined> {
    this.#running.delete(recording)
    recording.recorder.finish(nowMs)
    return recording.file.finish()
  }
}
