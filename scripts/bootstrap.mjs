// Makes a fresh clone ready: one command on Node 20 or newer installs what is missing, everything after it runs on
// Node 24. Called by run.mjs, not by npm's pre-scripts, which an npm that blocks scripts leaves out.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { findNode24 } from './node24.mjs'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

/**
 * Installs the npm packages unless they are those of package-lock.json, and finds Node 24. Exits with a message when
 * that is impossible.
 * @returns {string} the Node 24 binary
 */
export function bootstrap() {
  if (!isInstalled()) install()
  const node24 = findNode24()
  if (node24 !== undefined) return node24
  fail(
    `no Node 24 for ${process.platform}/${process.arch} came with the npm packages. ` +
      'Install Node 24 (https://nodejs.org) and run the same command again.',
  )
}

/** Compares package-lock.json with the list that npm keeps of what it has put into node_modules. */
function isInstalled() {
  const wanted = readPackages('package-lock.json')
  const present = readPackages('node_modules/.package-lock.json')
  return Object.entries(wanted).every(([key, { version, optional }]) => {
    if (!key.startsWith('node_modules/')) return true
    return key in present ? present[key].version === version : optional === true
  })
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

function install() {
  process.stderr.write('maskline: installing dependencies (npm ci), once …\n')
  // No package of ours needs an install script, so none is run.
  const args = ['ci', '--include=dev', '--include=optional', '--ignore-scripts', '--no-audit', '--no-fund']
  args.push('--loglevel=error')
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }
  const npm = process.env.npm_execpath ?? ''
  const run = npm.endsWith('npm-cli.js') // not pnpm's or yarn's
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (run.status === 0) return
  fail(
    'npm ci failed (its message is above). Check the network and the npm registry, then run the same command again.',
  )
}

function fail(message) {
  process.stderr.write(`maskline: ${message}\n`)
  process.exit(1)
}
