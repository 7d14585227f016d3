import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { createSipStack, createTlsSource } from '@maskline/sip'
import { makeSelfSigned } from '../open-api/self-signed.ts'
import { runTrunk } from './trunk.ts'

const HOST = '127.0.0.1'

/** `sip.host` is every address, as in a container. */
test('without a platform a trunk is tested over every transport that the platform would listen for', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-cli-'))
  const pair = await makeSelfSigned(['localhost', HOST], Date.now())
  const carrier = await createSipStack({
    listen: [
      { transport: 'udp', address: HOST, port: 0 },
      { transport: 'tls', address: HOST, port: 0, tls: await createTlsSource(() => [pair]) },
    ],
    handlers: { onInvite: (call) => call.reject(603) },
  })
  t.after(async () => {
    await carrier.close()
    rmSync(dir, { recursive: true })
  })
  const trunks = carrier.addresses.map(({ transport, port }) => ({
    name: transport,
    peer: { address: HOST, port, transport },
    health: { timeoutMs: 5_000 },
  }))
  const tls = { enabled: true, selfSigned: true, verifyServers: false }
  writeFileSync(path.join(dir, 'maskline.json'), JSON.stringify({ sip: { host: '::', tls, trunks } }))
  const env = { MASKLINE_DATA: dir, MASKLINE_ADMIN_PORT: '1' }
  for (const { name } of trunks) {
    let said = ''
    const write = (text: string | Uint8Array): void => void (said += String(text))
    await runTrunk(['test', name], env, { stdout: { write } })
    assert.match(
      said,
      new RegExp(`^No platform runs .*OPTIONS .*${name}.* 200 OK in .*${name} works\\.\n$`, 's'),
    )
  }
})
