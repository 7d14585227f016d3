// Runs before `npm start`, `npm test` and `npm run demo` on whatever Node the machine has (20 or newer):
// installs what is missing, so that a fresh clone needs one command. Everything after it runs on Node 24.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { findNode24 } from './node24.mjs'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const lockFile = path.join(root, 'package-lock.json')
const stampFile = path.join(root, 'node_modules', '.maskline-installed')
const lockHash = createHash('sha256').update(readFileSync(lockFile)).digest('hex')

const installed = () =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockHash && findNode24() !== undefined

if (!installed()) {
  process.stdout.write('maskline: installing dependencies (npm ci), once …\n')
  // npm 11 may block install scripts: none of our dependencies needs one.
  const npm = process.env.npm_execpath
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const run = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (run.status !== 0) {
    process.stderr.write(
      'maskline: npm ci failed (its message is above). Check the network and the npm registry, then run the same command again.\n',
    )
    process.exit(1)
  }
  if (findNode24() === undefined) {
    process.stderr.write(
      `maskline: no Node 24 for ${process.platform}/${process.arch} came with the npm packages. ` +
        'Install Node 24 (https://nodejs.org) and run the same command again.\n',
    )
    process.exit(1)
  }
  writeFileSync(stampFile, lockHash)
}

if (process.argv.includes('--test')) {
  const { installPeers } = await import('./peers.mjs')
  installPeers()
}
