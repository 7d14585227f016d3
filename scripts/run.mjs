// `node scripts/run.mjs FILE.ts ARGS…`: runs a TypeScript file on Node 24, whatever Node started this.
// Signals go through, so that Ctrl-C and a service manager's SIGTERM reach the program.
import { spawn } from 'node:child_process'
import { findNode24 } from './node24.mjs'

const node24 = findNode24()
if (node24 === undefined) {
  process.stderr.write(
    'maskline: Node 24 is missing; run `npm ci` in this folder, then the same command again.\n',
  )
  process.exit(1)
}
const child = spawn(node24, ['--disable-warning=ExperimentalWarning', ...process.argv.slice(2)], {
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  } else process.exit(code ?? 1)
})
