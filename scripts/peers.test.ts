import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { requirePeer } from '../e2e/peers.ts'
import { findPeer, peers } from './peers.mjs'

/** A folder with a program of that name in it, as a PATH. */
function pathWith(t: TestContext, command: string, mode = 0o755): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'maskline-peers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(path.join(folder, command), '#!/bin/sh\n', { mode })
  return folder
}

/** installPeers() in a process of its own, where no peer and no apt-get is on the PATH. */
const installNowhere = (CI: string) =>
  spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', "(await import('./peers.mjs')).installPeers()"],
    { cwd: import.meta.dirname, encoding: 'utf8', env: { PATH: '', CI } },
  )

describe('peers', () => {
  it('finds a program on the PATH, but no file that cannot be run', (t) => {
    const folder = pathWith(t, 'sipp')
    assert.deepEqual(findPeer('sipp', { PATH: `/nonexistent${path.delimiter}${folder}` }), {
      path: path.join(folder, 'sipp'),
    })
    assert.ok('reason' in findPeer('sipp', { PATH: pathWith(t, 'sipp', 0o644) }))
  })

  it('says of a missing peer which Debian package brings it', () => {
    const found = findPeer('sipp', { PATH: '' })
    assert.ok('reason' in found)
    assert.match(found.reason, /apt-get install sip-tester/)
  })

  it('knows only the peers of its table', () => {
    assert.throws(() => findPeer('asterisk'), /not in the table of scripts\/peers\.mjs/)
  })

  it('skips a test whose peer is missing, and fails it in CI', () => {
    const skips: (string | undefined)[] = []
    const t = { skip: (reason?: string) => void skips.push(reason) }
    assert.equal(requirePeer(t, 'baresip', { PATH: '' }), undefined)
    assert.equal(skips.length, 1)
    assert.match(skips[0]!, /baresip is not installed/)
    assert.throws(() => requirePeer(t, 'baresip', { PATH: '', CI: 'true' }), /CI=true skips nothing/)
  })

  it('tells each missing peer in one line where it may install nothing, and goes on', () => {
    const { status, stderr } = installNowhere('')
    assert.equal(status, 0)
    const missing = peers.filter(({ command }) => 'reason' in findPeer(command, { PATH: '' }))
    assert.ok(missing.length >= 4, 'all but those with folders of their own')
    assert.equal(stderr.trim().split('\n').length, missing.length)
    for (const { command } of missing)
      assert.match(stderr, new RegExp(`tests with ${command} will be skipped`))
  })

  it('exits 1 in CI when a peer stays missing', () => {
    const { status, stderr } = installNowhere('true')
    assert.equal(status, 1)
    assert.match(stderr, /CI=true/)
  })
})
