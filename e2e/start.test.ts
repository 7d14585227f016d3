import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { createSoftphone, type PhoneCall, type Softphone } from '@maskline/lab'
import { loadConfig, silentLog, startPlatform } from '@maskline/server'
import { startPeer } from './support/peer-process.ts'
import { MAIN, pickPorts, serveEnv } from './support/platform-process.ts'
import { isBound } from './support/ports.ts'
import { run, type Ran } from './support/run.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { waitFor } from './support/wait.ts'

const ROOT = join(import.meta.dirname, '..')
const RUN = join(ROOT, 'scripts/run.mjs')

/** A command of the guide as a shell runs it, with npm's part of it done by hand. */
function runPrinted(printed: string, more = ''): Promise<Ran> {
  const command = printed.replace('npm run maskline --', `"${process.execPath}" "${RUN}" "${MAIN}"`)
  return run('sh', ['-c', `${command} ${more}`], { cwd: ROOT })
}

/** The `npm run …` commands that the guide prints, over as many lines as a backslash makes of them. */
const commandsIn = (guide: string): string[] => guide.match(/npm run maskline -- api (?:.*\\\n)*.*/g) ?? []

async function assertHears(call: PhoneCall, expectedHz: number, otherHz: number): Promise<void> {
  await call.hears(0.4)
  const [loud = 0, faint = 1] = call.heard([expectedHz, otherHz])
  assert.ok(loud > 0.05 && loud > 10 * faint, `${expectedHz} Hz at ${loud}, ${otherHz} Hz at ${faint}`)
}

describe('npm start in an empty folder', () => {
  test(
    'prints a guide that works word by word, from the bind to the refused call',
    { timeout: 60_000 },
    async () => {
      const dir = makeTempDir('start')
      const ports = await pickPorts()
      const data = join(dir.path, 'data')
      const server = await startPeer({
        command: process.execPath,
        args: [RUN, 'packages/server/src/cli/main.ts', 'serve', '--data', data],
        cwd: ROOT,
        env: serveEnv('', ports),
      })
      const phones: Softphone[] = []
      try {
        await waitFor(
          () => server.output().includes('Ctrl-C stops it') || (server.ended() !== undefined && 'ended'),
          { what: 'the guide', detail: server.output, timeoutMs: 30_000 },
        )
        const guide = server.output()
        const [, host = '', port = ''] = /at domain ([\d.]+):(\d+)/.exec(guide) ?? []
        assert.deepEqual([host, port], ['127.0.0.1', `${ports.sip}`], guide)
        assert.ok(guide.includes(data))
        const accounts = [...guide.matchAll(/user (\d+) +password (\S+)/g)]
        assert.equal(accounts.length, 2, guide)
        const [bind = '', unbind = '', ...others] = commandsIn(guide)
        assert.deepEqual(others, [])
        const x = /dial (\d{11}):/.exec(guide)?.[1] ?? ''

        const [a, b] = await Promise.all(
          accounts.map(async ([, user = '', password = ''], i) => {
            const registrar = { address: host, port: Number(port) }
            const phone = await createSoftphone({ user, password, registrar, toneHz: i === 0 ? 440 : 1000 })
            phones.push(phone)
            await phone.register()
            return phone
          }),
        )
        assert.ok(a && b)

        const bound = await runPrinted(bind)
        assert.equal(bound.code, 0, bound.stderr)
        assert.match(bound.stdout, /"resultcode": "0"/)
        const call = await a.call(x)
        const incoming = await b.incoming()
        assert.equal(incoming.whatDisplayShows.number, x)
        await incoming.answer()
        await call.answered()
        await Promise.all([assertHears(call, 1000, 440), assertHears(incoming, 440, 1000)])
        call.hangup()
        await incoming.ended()

        // `maskline lab` says the same again, beside the running platform.
        const again = await run(process.execPath, [RUN, MAIN, 'lab', '--data', data], {
          env: serveEnv('', ports),
        })
        assert.equal(again.code, 0, again.stderr)
        assert.deepEqual(commandsIn(again.stdout), [bind, unbind])

        const unbound = await runPrinted(unbind)
        assert.equal(unbound.code, 0, unbound.stderr)
        assert.match(unbound.stdout, /"resultcode": "0"/)
        assert.equal((await (await a.call(x)).ended()).status, 404)
        assert.equal((await runPrinted(unbind)).code, 1, 'there is nothing left to unbind')
      } finally {
        await Promise.all(phones.map((phone) => phone.close()))
        const exit = await server.stop('SIGTERM', 15_000)
        assert.deepEqual(exit, { code: 0, signal: null }, server.output())
        dir.remove()
      }
      assert.ok(!isBound('udp', '127.0.0.1', ports.sip))
    },
  )

  test('--print-curl prints a command that curl runs', { timeout: 60_000 }, async (t) => {
    if ((await run('curl', ['--version'])).code !== 0) return t.skip('curl is not installed')
    const dir = makeTempDir('start')
    const ports = await pickPorts()
    const server = await startPeer({
      command: process.execPath,
      args: [RUN, MAIN, 'serve'],
      env: serveEnv(dir.path, ports),
    })
    try {
      await waitFor(() => server.output().includes('Ctrl-C stops it'), {
        what: 'the guide',
        detail: server.output,
      })
      const [bind = ''] = commandsIn(server.output())
      const printed = await runPrinted(bind, '--print-curl')
      assert.equal(printed.code, 0, printed.stderr)
      assert.match(printed.stdout, /^curl -X POST /)
      const sent = await run('sh', ['-c', printed.stdout.replace('curl ', 'curl -s ')])
      assert.match(sent.stdout, /^\{"resultcode":"0"/)
    } finally {
      assert.equal((await server.stop('SIGTERM', 15_000)).code, 0)
      dir.remove()
    }
  })
})

describe('a start that cannot succeed', () => {
  const serve = (env: Record<string, string>) =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'serve'], { env })

  /** One sentence for a person, no stack, exit code 1. */
  function assertSays(ran: Ran, sentence: RegExp): void {
    assert.equal(ran.code, 1, ran.stdout + ran.stderr)
    assert.match(ran.stderr, sentence)
    assert.match(ran.stderr, /^maskline: [^\n]+\n$/)
    assert.doesNotMatch(ran.stderr, /unexpected fault|\n {4}at /)
    assert.doesNotMatch(ran.stdout, /maskline is running/)
  }

  test(
    'names the SIP or API port that is taken, and leaves the folder usable',
    { timeout: 60_000 },
    async () => {
      const dir = makeTempDir('start')
      const ports = await pickPorts()
      const env = serveEnv(dir.path, ports)
      const udp = createSocket('udp4')
      udp.bind(ports.sip, '127.0.0.1')
      await once(udp, 'listening')
      try {
        assertSays(
          await serve(env),
          new RegExp(`SIP \\(UDP\\) cannot listen on 127\\.0\\.0\\.1 port ${ports.sip}: .*MASKLINE_SIP_PORT`),
        )
      } finally {
        udp.close()
      }
      for (const [who, port, setting] of [
        ['SIP \\(TCP\\)', ports.sip, 'sip\\.port \\(MASKLINE_SIP_PORT\\)'],
        ['the API \\(HTTP\\)', ports.http, 'api\\.httpPort \\(MASKLINE_HTTP_PORT\\)'],
        ['the API \\(HTTPS\\)', ports.https, 'api\\.httpsPort \\(MASKLINE_HTTPS_PORT\\)'],
      ] as const) {
        const tcp = createServer().listen(port, '127.0.0.1')
        await once(tcp, 'listening')
        try {
          const sentence = `${who} cannot listen on 127\\.0\\.0\\.1 port ${port}: another program uses it.* with ${setting}\\n`
          assertSays(await serve(env), new RegExp(sentence))
        } finally {
          tcp.close()
        }
      }
      const server = await startPeer({ command: process.execPath, args: [MAIN, 'serve'], env })
      try {
        await waitFor(() => server.output().includes('Ctrl-C stops it'), {
          what: 'a start',
          detail: server.output,
        })
      } finally {
        assert.equal((await server.stop('SIGTERM', 15_000)).code, 0)
        dir.remove()
      }
    },
  )

  test('leaves no port bound and no lock behind, at whatever step it fails', async () => {
    const dir = makeTempDir('start')
    const ports = await pickPorts()
    const config = loadConfig(serveEnv(dir.path, ports))
    for (const port of [ports.sip, ports.http, ports.https]) {
      const tcp = createServer().listen(port, '127.0.0.1')
      await once(tcp, 'listening')
      try {
        await assert.rejects(startPlatform(config, { log: silentLog }), {
          name: 'AppError',
          message: new RegExp(`${port}`),
        })
      } finally {
        tcp.close()
        await once(tcp, 'close')
      }
      for (const [transport, left] of [
        ['udp', ports.sip],
        ['tcp', ports.sip],
        ['tcp', ports.http],
        ['tcp', ports.https],
      ] as const)
        assert.ok(!isBound(transport, '127.0.0.1', left), `${transport} ${left} is still bound`)
    }
    const platform = await startPlatform(config, { log: silentLog })
    await platform.close()
    dir.remove()
  })

  test('lists every fault of a configuration', async () => {
    const dir = makeTempDir('start')
    const env = {
      ...serveEnv(dir.path, await pickPorts()),
      MASKLINE_SIP_PORT: 'banana',
      MASKLINE_LOG_LEVEL: 'loud',
    }
    writeFileSync(join(dir.path, 'maskline.json'), '{"sip":{"prot":5060}}')
    const ran = await serve(env)
    assert.equal(ran.code, 1)
    const lines = ran.stderr.trimEnd().split('\n')
    assert.equal(lines.length, 4, ran.stderr)
    assert.match(lines[0] ?? '', /^maskline: the configuration is refused:$/)
    assert.match(ran.stderr, /\n {2}- MASKLINE_SIP_PORT \(sip\.port\) must be a whole number/)
    assert.match(ran.stderr, /\n {2}- MASKLINE_LOG_LEVEL \(logLevel\) must be one of debug, /)
    assert.match(ran.stderr, /\n {2}- sip\.prot is no setting/)
    writeFileSync(join(dir.path, 'maskline.json'), '{"sip":')
    assertSays(await serve(serveEnv(dir.path, await pickPorts())), /maskline\.json is no JSON/)
    dir.remove()
  })

  for (const [variable, sentence] of [
    [
      'MASKLINE_SIP_HOST',
      /SIP \(UDP\) cannot listen on 192\.0\.2\.1 port \d+: this machine has no such address.*MASKLINE_SIP_HOST/,
    ],
    ['MASKLINE_MEDIA_HOST', /media sockets cannot be bound on 192\.0\.2\.1.*MASKLINE_MEDIA_HOST/],
    [
      'MASKLINE_API_HOST',
      /the API \(HTTP\) cannot listen on 192\.0\.2\.1 port \d+: this machine has no such address.*MASKLINE_API_HOST/,
    ],
  ] as const)
    test(`says that ${variable} is no address of this machine`, async () => {
      const dir = makeTempDir('start')
      const env = { ...serveEnv(dir.path, await pickPorts()), [variable]: '192.0.2.1' }
      assertSays(await serve(env), sentence)
      dir.remove()
    })

  test('says which data folder cannot be made', async () => {
    const dir = makeTempDir('start')
    writeFileSync(join(dir.path, 'file'), '')
    const data = join(dir.path, 'file', 'data')
    assertSays(
      await serve(serveEnv(data, await pickPorts())),
      new RegExp(`cannot create the data folder ${data} `),
    )
    assertSays(await serve(serveEnv(join(dir.path, 'file'), await pickPorts())), /data folder/)
    dir.remove()
  })

  test('says that the database is damaged', async () => {
    const dir = makeTempDir('start')
    writeFileSync(join(dir.path, 'maskline.db'), randomBytes(16_384))
    assertSays(await serve(serveEnv(dir.path, await pickPorts())), /maskline\.db/)
    dir.remove()
  })

  test('says that the lock file cannot be used', async () => {
    const dir = makeTempDir('start')
    mkdirSync(join(dir.path, 'lock.db'))
    assertSays(await serve(serveEnv(dir.path, await pickPorts())), /lock\.db/)
    dir.remove()
  })

  test('says that the seal key is not the one of the database', { timeout: 60_000 }, async () => {
    const dir = makeTempDir('start')
    const ports = await pickPorts()
    const env = serveEnv(dir.path, ports)
    const server = await startPeer({ command: process.execPath, args: [MAIN, 'serve'], env })
    try {
      await waitFor(() => server.output().includes('Ctrl-C stops it'), {
        what: 'a start',
        detail: server.output,
      })
    } finally {
      await server.stop('SIGTERM', 15_000)
    }
    writeFileSync(join(dir.path, 'seal.key'), `${randomBytes(64).toString('hex')}\n`)
    assertSays(await serve(env), /seal\.key/)
    writeFileSync(join(dir.path, 'seal.key'), 'half a key')
    assertSays(await serve(env), /seal\.key must hold 128 hex digits/)
    dir.remove()
  })
})
