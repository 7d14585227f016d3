import type { Connect } from '../bindings/route.ts'
import type { App } from '../tenants/app.ts'
import type { CallMedia } from './call-media.ts'
import type { CallRecord, RecordingRef } from './call-record.ts'
import type { CallServices } from './call-services.ts'

/** The recording of one call. Whatever fails here costs the recording, never the call (spec/codes.md section 2.7). */
export class CallRecording {
  readonly ref: RecordingRef
  readonly #services: CallServices
  readonly #media: CallMedia
  readonly #layout: 'mixed' | 'stereo'
  readonly #file: string

  /** Names the recording of a talk that begins now; `undefined`: none is asked for, or none can be made. */
  static begin(services: CallServices, media: CallMedia, decision: Connect): CallRecording | undefined {
    const { app } = decision.subject
    if (decision.recording === undefined || app === undefined) return undefined
    try {
      return new CallRecording(services, media, app)
    } catch (error) {
      services.log.error({ app: app.key, err: error }, 'a recording cannot begin')
      return undefined
    }
  }

  private constructor(services: CallServices, media: CallMedia, app: App) {
    const { ref, file } = services.recordings.begin(app, services.clock.now())
    this.ref = ref
    this.#services = services
    this.#media = media
    this.#layout = app.recordingLayout ?? 'mixed'
    this.#file = file
  }

  async start(): Promise<void> {
    try {
      await this.#media.session?.startRecording({ file: this.#file, layout: this.#layout })
    } catch (error) {
      this.failed(error)
    }
  }

  failed(error: unknown): void {
    this.#services.log.error({ recording: this.ref.object, err: error }, 'a call is not recorded (8041)')
  }

  /** Closes the file and has it stored, after the talk; true when it is kept. */
  async finish(record: CallRecord): Promise<boolean> {
    try {
      await this.#media.session?.stopRecording()
    } catch (error) {
      this.failed(error)
    }
    this.#media.release()
    return this.#services.recordings.finish(record, this.ref)
  }
}
