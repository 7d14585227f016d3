import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { A, AXB_PATH, B, startTestApi, X, type TestApi } from '../open-api/api-test-kit.ts'
import { makeSelfSigned } from '../open-api/self-signed.ts'
import { loadConfig } from '../config/load.ts'
import { runApiCall } from './api-call.ts'
import { noteReach } from './lab.ts'

let test: TestApi
before(async () => {
  test = await startTestApi({ tls: await makeSelfSigned(['localhost', '127.0.0.1'], Date.now()) })
})
after(() => test.close())
beforeEach(() => {
  test.hand.now = Date.now()
  for (const list of [test.axb.binds, test.axb.unbinds, test.axb.queries]) list.length = 0
})

const dir = mkdtempSync(path.join(tmpdir(), 'maskline-api-'))
const env = { MASKLINE_DATA: dir }
after(() => rmSync(dir, { recursive: true }))

async function run(...args: string[]) {
  const written = { out: '', err: '' }
  const code = await runApiCall(args, env, {
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
  })
  return { code, ...written }
}

const signed = () => [
  '--key',
  test.app.key,
  '--secret',
  test.app.secret,
  '--url',
  `http://127.0.0.1:${test.port}`,
]

describe('maskline api', () => {
  it('sends name=value pairs as a JSON body and prints status and answer', async () => {
    const { code, out } = await run(
      'POST',
      AXB_PATH,
      `callerNum=${A}`,
      `calleeNum=${B}`,
      `relationNum=${X}`,
      ...signed(),
    )
    assert.equal(code, 0)
    assert.match(out, /^HTTP 200\n\{\n {2}"resultcode": "0",\n/)
    assert.equal(test.axb.binds[0]?.relationNum, X)
  })

  it('sends a JSON text as the body', async () => {
    const { code } = await run(
      'post',
      AXB_PATH,
      JSON.stringify({ callerNum: A, calleeNum: B, duration: 60 }),
      ...signed(),
    )
    assert.equal(code, 0)
    assert.equal(test.axb.binds[0]?.durationSec, 60)
  })

  it('sends parameters of GET and DELETE in the query with the plus sign escaped', async () => {
    assert.equal((await run('GET', AXB_PATH, `relationNum=${X}`, ...signed())).code, 0)
    assert.equal((await run('GET', `${AXB_PATH}?relationNum=${X}`, ...signed(), '--wsse')).code, 0)
    assert.deepEqual(
      test.axb.queries.map((query) => query.relationNum),
      [X, X],
    )
    assert.equal((await run('DELETE', AXB_PATH, 'subscriptionId=s-1', ...signed())).code, 0)
    assert.deepEqual(test.axb.unbinds, [{ subscriptionId: 's-1' }])
  })

  it('exits with 1 on any other resultcode', async () => {
    const { code, out } = await run('GET', AXB_PATH, 'relationNum=x', ...signed())
    assert.equal(code, 1)
    assert.match(out, /^HTTP 403\n[^]*"resultcode": "1010002"/)
    assert.equal((await run('GET', AXB_PATH, ...signed(), '--secret', 'wrong')).code, 1)
  })

  it('asks the platform of the data folder where no address is given: where it last started, or would start', async () => {
    const keys = ['--key', test.app.key, '--secret', test.app.secret]
    const ask = async (...how: string[]) =>
      (await run('GET', `${AXB_PATH}?relationNum=${X}`, ...keys, ...how)).code
    const file = path.join(dir, 'settings.json')
    writeFileSync(file, JSON.stringify({ api: { httpPort: test.port } }))
    assert.equal(await ask('--config', file), 0)
    const data = path.join(dir, 'started')
    mkdirSync(data)
    noteReach(loadConfig({ MASKLINE_DATA: data }), {
      sip: { host: '127.0.0.1', port: 5060 },
      api: { httpPort: test.port },
    })
    assert.equal(await ask('--data', data), 0)
    await assert.rejects(ask('--config', path.join(dir, 'none.json')), { code: 'CONFIG_FILE' })
  })

  it('refuses an unknown TLS certificate unless told otherwise', async () => {
    const to = ['--url', `https://127.0.0.1:${test.httpsPort}/`]
    const args = ['GET', AXB_PATH, 'subscriptionId=s', ...signed(), ...to]
    assert.equal((await run(...args)).code, 1)
    assert.equal((await run(...args, '--insecure')).code, 0)
  })

  it('says in one sentence that nobody answers', async () => {
    const gone = await startTestApi()
    await gone.close()
    const { code, err } = await run('GET', AXB_PATH, ...signed(), '--url', `http://127.0.0.1:${gone.port}`)
    assert.equal(code, 1)
    assert.match(
      err,
      /^maskline api: no answer from http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\); is it running there\?\n$/,
    )
  })

  it(
    'prints a curl command that a shell runs with the same effect',
    { skip: !hasCurl() && 'no curl here' },
    async () => {
      const { code, out } = await run(
        'POST',
        AXB_PATH,
        `callerNum=${A}`,
        `calleeNum=${B}`,
        "userData=it's",
        ...signed(),
        '--print-curl',
      )
      assert.equal(code, 0)
      assert.equal(test.axb.binds.length, 0)
      const printed = await shell(out)
      assert.match(printed, /"resultcode":"0"/)
      assert.equal(test.axb.binds[0]?.userData, "it's")
    },
  )

  for (const args of [[], ['GET'], ['GET', '/x'], ['GET', '/x', '--key', 'k'], ['GET', '/x', '--nonsense']]) {
    it(`exits with 2 and one line that names the help on: ${args.join(' ') || '(nothing)'}`, async () => {
      const { code, err } = await run(...args)
      assert.equal(code, 2)
      assert.match(err, /^maskline api: .+; see `npm run maskline -- api --help`\n$/)
    })
  }

  it('exits with 2 on parameters or addresses it cannot read', async () => {
    for (const word of ['{broken', '=x', 'word'])
      assert.equal((await run('POST', '/x', word, ...signed())).code, 2)
    assert.equal((await run('GET', '/x', ...signed(), '--url', 'ftp://h')).code, 2)
    assert.equal((await run('GET', '/x', ...signed(), '--url', '8080')).code, 2)
  })

  it('prints its usage when asked', async () => {
    const { code, out } = await run('--help')
    assert.equal(code, 0)
    assert.match(out, /--print-curl/)
  })
})

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'])
    return true
  } catch {
    return false
  }
}

/** Asynchronously: the server it talks to lives in this process. */
async function shell(command: string): Promise<string> {
  const { promisify } = await import('node:util')
  const { execFile } = await import('node:child_process')
  return (await promisify(execFile)('sh', ['-c', command.replace('curl ', 'curl -s ')])).stdout
}
