// The programs of other people that tests talk to: their own SIP stacks, their own TLS. `npm test` installs the
// missing ones where it may (root on Debian or Ubuntu); elsewhere the tests that need them say so and are skipped.
// CI=true turns a missing peer into a failure. Runs on Node 20, before the npm packages are there.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/**
 * Debian keeps the programs of a PostgreSQL server off the PATH, in a folder for each version: the newest first.
 * @returns {string[]}
 */
function postgresFolders() {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root) : []
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => path.join(root, version, 'bin'))
}

/**
 * One row per peer: the command looked for on the PATH and then in `folders`, the Debian packages that bring it, what it
 * proves.
 */
export const peers = [
  {
    command: 'sipp',
    packages: ['sip-tester'],
    why: 'calls and load by an independent SIP implementation',
  },
  {
    command: 'baresip',
    packages: ['baresip-core'],
    why: 'softphones with real audio, TLS and SRTP',
    // Debian's baresip-core ships these; a hand-built baresip may not.
    files: ['account', 'aubridge', 'aufile', 'ctrl_tcp', 'g711', 'menu', 'sndfile'].map((module) => ({
      anyOf: [
        `/usr/lib/baresip/modules/${module}.so`,
        `/usr/local/lib/baresip/modules/${module}.so`,
        `/opt/homebrew/lib/baresip/modules/${module}.so`,
      ],
    })),
  },
  {
    command: 'tcpdump',
    packages: ['tcpdump'],
    why: 'every byte that a phone received, for the privacy search',
  },
  {
    command: 'tc',
    packages: ['iproute2'],
    why: 'calls over a network that loses packets, by the kernel itself',
    // Not on the PATH of everybody.
    folders: () => ['/usr/sbin', '/sbin'],
  },
  { command: 'openssl', packages: ['openssl'], why: 'certificates and digests made by other code than ours' },
  {
    command: 'perl',
    packages: ['libnet-smpp-perl'],
    why: 'an SMSC by an independent SMPP implementation',
    files: [{ anyOf: ['/usr/share/perl5/Net/SMPP.pm', '/usr/local/share/perl5/Net/SMPP.pm'] }],
  },
  {
    command: 'bearerbox',
    packages: ['kannel'],
    why: 'an ESME by an independent SMPP implementation',
    folders: () => ['/usr/sbin', '/usr/local/sbin'],
  },
  {
    command: 'postgres',
    packages: ['postgresql'],
    why: 'storage on a PostgreSQL server',
    folders: postgresFolders,
  },
]

/** What `npm run bench` wants besides sipp; no test needs them. */
export const benchPeers = [
  {
    command: 'sipp',
    packages: ['sip-tester'],
    why: 'the callers and callees of the load',
  },
  { command: 'kamailio', packages: ['kamailio'], why: 'the reference to compare with' },
  { command: 'dumpcap', packages: ['wireshark-common'], why: 'the time from INVITE in to INVITE out' },
]

/**
 * Where a peer is, or why it cannot be used.
 * @param {string} command
 * @param {{ PATH?: string }} [env]
 * @returns {{ path: string } | { reason: string }}
 */
export function findPeer(command, env = process.env) {
  const peer = [...peers, ...benchPeers].find((row) => row.command === command)
  if (peer === undefined) throw new Error(`${command} is not in the table of scripts/peers.mjs; add it there`)
  const file = onPath(command, [env.PATH ?? '', ...(peer.folders?.() ?? [])].join(path.delimiter))
  const cure = `on Debian: apt-get install ${peer.packages.join(' ')}`
  if (file === undefined) return { reason: `${command} is not installed (${cure})` }
  const missing = (peer.files ?? []).find(({ anyOf }) => !anyOf.some((name) => existsSync(name)))
  if (missing !== undefined) return { reason: `${command} lacks ${missing.anyOf[0]} (${cure})` }
  return { path: file }
}

function onPath(command, searchPath) {
  for (const folder of searchPath.split(path.delimiter)) {
    const file = path.join(folder, command)
    try {
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) return file
    } catch {
      // not in this folder
    }
  }
  return undefined
}

/**
 * Installs what is missing where that is possible, and says what stays missing. Exits 1 when CI=true forbids that.
 * @param {readonly { command: string, packages: readonly string[], why: string }[]} [wanted]
 * @param {string} [users] what goes without a missing peer
 */
export function installPeers(wanted = peers, users = 'tests') {
  const before = missingPeers(wanted)
  if (before.length === 0) return
  if (canInstall()) {
    const packages = [...new Set(before.flatMap((peer) => peer.packages))]
    process.stdout.write(`maskline: installing peers of the ${users} (${packages.join(' ')}), once …\n`)
    apt(['update']) // a failure is told, and the lists at hand may still do
    apt(['install', '-y', '--no-install-recommends', ...packages])
  }
  const after = missingPeers(wanted)
  for (const { command, why, reason } of after) {
    process.stderr.write(`maskline: ${users} with ${command} will be skipped (${why}): ${reason}\n`)
  }
  if (after.length > 0 && process.env.CI === 'true') {
    process.stderr.write(
      `maskline: CI=true runs no ${users} with peers missing; install them and run again.\n`,
    )
    process.exit(1)
  }
}

function missingPeers(wanted) {
  return wanted.flatMap((peer) => {
    const found = findPeer(peer.command)
    return 'reason' in found ? [{ ...peer, reason: found.reason }] : []
  })
}

const canInstall = () =>
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  onPath('apt-get', process.env.PATH ?? '') !== undefined

/** apt-get without a word unless it fails; waits for another apt instead of failing on its lock. */
function apt(args) {
  const run = spawnSync(
    'apt-get',
    ['-qq', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3', ...args],
    {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    },
  )
  if (run.status === 0) return true
  const said = run.error?.message ?? `${run.stdout}${run.stderr}`
  const tail = said.trim().split('\n').slice(-5).join('\n  ')
  process.stderr.write(`maskline: apt-get ${args[0]} failed:\n  ${tail}\n`)
  return false
}
