import { afterEach, beforeEach } from 'node:test'
import { isMainThread } from 'node:worker_threads'

/**
 * Loaded into every test file by scripts/test.ts: a file whose tests are over but which stays alive has left something
 * open (a socket, a timer, a child). The file then fails and names the kinds of what is open, instead of hanging the run.
 * Worker threads load it too, and run no tests: there it keeps still, or it would end them under a long test.
 */
const graceMs = Number(process.env.MASKLINE_TEST_GRACE_MS ?? 20_000)

let running = 0
let timer: NodeJS.Timeout | undefined

function watch(): void {
  // unref: the watch itself keeps nothing alive, so a clean file ends before it strikes
  timer = setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter((kind) => !/^(?:Pipe|TTY|FSReq)/.test(kind))
    process.stderr.write(
      `${process.argv[1]}: no test has run for ${graceMs / 1000} s and the file does not end. Left open: ` +
        `${open.join(', ') || 'a child process or a pipe'}. Close it in the test (t.after).\n`,
    )
    process.exit(1)
  }, graceMs).unref()
}

if (isMainThread) {
  watch()
  beforeEach(() => {
    running += 1
    clearTimeout(timer)
  })
  afterEach(() => {
    running -= 1
    if (running === 0) watch()
  })
}
