import { Worker } from 'node:worker_threads'

const EVERY_MS = 200
/** Size of the log from which it is made to begin anew, bytes. */
const LARGEST_LOG = 32 * 1024 * 1024

/**
 * Takes checkpoints off the main thread: they flush the disk, and by default SQLite lets the one commit in many that
 * finds the log too long wait for that. Measured here they were two thirds of the cost of a bind.
 * If the thread dies, `onEnd` is told, so that the writer can go back to checkpoints of its own.
 */
export function startCheckpointer(
  file: string,
  pageSize: number,
  onEnd: () => void,
): { stop(): Promise<void> } {
  const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
    workerData: { file, everyMs: EVERY_MS, largestLogPages: LARGEST_LOG / pageSize },
  })
  let stopping = false
  worker.unref()
  worker.on('error', () => {})
  worker.on('exit', () => {
    if (!stopping) onEnd()
  })
  return {
    async stop() {
      stopping = true
      await worker.terminate()
    },
  }
}
