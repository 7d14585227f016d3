// Finds a Node 24 binary: the one running now when it is new enough, else the one carried by the npm packages
// `node-<platform>-<arch>`, which ship the binary inside the package and need no install script.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

/**
 * How Node is run. Young generations of 32 MB, V8's choice, fill with what ended calls left before anything is collected:
 * 8 MB take 30 KB less a held call at the same CPU (bench/RESULTS.md). They have that size from the start: growing to it
 * under load would move calls that end soon into the old generation.
 */
export const nodeFlags = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=8',
  '--max-semi-space-size=8',
]

/** @returns {string | undefined} absolute path of a Node >= 24 binary */
export function findNode24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const { platform, arch } = process
  const names =
    platform === 'win32'
      ? [`node-win-${arch}`]
      : platform === 'darwin'
        ? [`node-bin-darwin-${arch}`, `node-darwin-${arch}`]
        : [`node-${platform}-${arch}`]
  for (const name of names) {
    const file = path.join(root, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(file)) return file
  }
  return undefined
}
