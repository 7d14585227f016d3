import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'

/**
 * Carries the write-ahead log into the database, on a thread of its own (see checkpointer.ts). A passive checkpoint
 * disturbs nobody but never lets the log begin anew under steady load; once the log is large, what a passive one
 * left over is done with the writer held off, which takes milliseconds since little is left.
 */
const { file, everyMs, largestLogPages } = workerData as {
  readonly file: string
  readonly everyMs: number
  readonly largestLogPages: number
}

const database = new DatabaseSync(file, { timeout: 1_000 })
const passive = database.prepare('pragma wal_checkpoint(passive)')
const restart = database.prepare('pragma wal_checkpoint(restart)')

setInterval(() => {
  try {
    const { log } = passive.get() as { readonly log: number }
    if (log > largestLogPages) restart.get()
  } catch {
    // A full or failing disk: the writer meets the same fault and reports it; here it is only tried again.
  }
}, everyMs)
