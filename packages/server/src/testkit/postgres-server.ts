import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * A PostgreSQL server of one's own, on a socket in a folder of its own. Both are gone when it is stopped, and when the
 * process that started it ends in whatever way.
 */
export type PostgresServer = {
  /** Folder of the socket, for `databaseAt`. */
  readonly socketDir: string
  /** Kills every process of the server at once and starts it again, as after a crash. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** Superuser of the test servers. */
const USER = 'maskline'

export const databaseAt = (socketDir: string, name: string): string =>
  `postgres://${USER}@/${name}?host=${encodeURIComponent(socketDir)}`

/**
 * Nothing of a test outlives its process, so nothing is flushed to a disk; a crash of the server alone loses nothing by
 * that. Its own user is needed since PostgreSQL refuses to run as root.
 */
const GUARD = `
trap '' INT TERM HUP
cd "$2" || exit
"$1/initdb" -D data -U ${USER} -A trust -E UTF8 --locale=C --no-sync --no-instructions >log 2>&1 &&
"$1/pg_ctl" -D data -l log -w -o "$3" start >>log 2>&1 && echo ready || cat log
cat >/dev/null
"$1/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1
rm -rf "$2"
`

/** Starts a server from the programs in the folder `bin`. */
export async function startPostgresServer(bin: string): Promise<PostgresServer> {
  const owner = unprivileged()
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-pg-'))
  if ('uid' in owner) chownSync(dir, owner.uid, owner.gid)
  const options = `-k '${dir}' -h '' -F -c full_page_writes=off -c shared_buffers=32MB -c max_connections=200`
  // Its input ends with this process: that is the sign to clear away. A group of its own is spared by Ctrl-C.
  const guard = spawn('sh', ['-c', GUARD, 'guard', bin, dir, options], {
    ...owner,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const stop = async (): Promise<void> => {
    if (guard.exitCode !== null) return
    guard.ref()
    guard.stdin.end()
    await once(guard, 'exit')
  }
  const [said] = (await once(guard.stdout, 'data')) as [Buffer]
  if (said.toString().trim() !== 'ready') {
    await stop()
    throw new Error(`PostgreSQL does not start:\n${said.toString()}`)
  }
  // Only the tests that use it keep this process alive.
  guard.unref()
  return {
    socketDir: dir,
    async crash() {
      const restart = [
        '-D',
        path.join(dir, 'data'),
        '-l',
        path.join(dir, 'log'),
        '-m',
        'immediate',
        'restart',
      ]
      const control = spawn(path.join(bin, 'pg_ctl'), restart, { ...owner, cwd: dir, stdio: 'ignore' })
      const [code] = (await once(control, 'exit')) as [number]
      if (code !== 0) throw new Error(`pg_ctl restart ended with ${code}`)
    },
    stop,
  }
}

/** Another user than root to run as: Debian's `postgres`, else `nobody`. */
function unprivileged(): { readonly uid: number; readonly gid: number } | Record<never, never> {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    const idOf = (flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' })
    const user = idOf('-u')
    if (user.status === 0) return { uid: Number(user.stdout), gid: Number(idOf('-g').stdout) }
  }
  return {}
}
