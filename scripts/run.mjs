// `node scripts/run.mjs [--peers|--bench-peers] FILE ARGS…`: runs a program on Node 24, whatever Node started this,
// after installing what a fresh clone lacks; with a flag also the peer programs of the tests or of the benchmarks.
// Signals go through, so that Ctrl-C and a service manager's SIGTERM reach the program.
import { spawn } from 'node:child_process'
import { bootstrap } from './bootstrap.mjs'
import { nodeFlags } from './node24.mjs'
import { benchPeers, installPeers } from './peers.mjs'

const args = process.argv.slice(2)
const node24 = bootstrap()
if (args[0] === '--peers') {
  args.shift()
  installPeers()
} else if (args[0] === '--bench-peers') {
  args.shift()
  installPeers(benchPeers, 'benchmarks')
}
const child = spawn(node24, [...nodeFlags, ...args], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C reaches the whole foreground group: passed on, it would count as a second, impatient one.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('exit', (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  } else process.exit(code ?? 1)
})
