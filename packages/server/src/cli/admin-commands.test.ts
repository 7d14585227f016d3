import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { generateTone, readWav, writeWav } from '@maskline/media'
import { createSipStack, type SipStack } from '@maskline/sip'
import { ADMIN_TOKEN_FILE } from '../admin-api/token.ts'
import { MOST_SOURCE_BYTES } from '../announcements/announcement.ts'
import { loadConfig } from '../config/load.ts'
import { startPlatform, type Platform } from '../platform.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { newApp } from '../tenants/app.ts'
import { runAnnouncements } from './announcements.ts'
import { runBans } from './bans.ts'
import { readSettings, runApps, runNumbers } from './inventory.ts'
import { noteReach } from './lab.ts'
import { runSip } from './sip.ts'
import { runSms } from './sms.ts'
import { runTrunk } from './trunk.ts'
import { endPartlySent } from '../sms/sms-test-kit.ts'

/** The commands against a platform that runs, in a folder of its own. */
const dir = mkdtempSync(path.join(tmpdir(), 'maskline-cli-'))
const env = {
  MASKLINE_DATA: path.join(dir, 'data'),
  MASKLINE_SIP_HOST: '127.0.0.1',
  MASKLINE_SIP_PORT: '0',
  MASKLINE_API_HOST: '127.0.0.1',
  MASKLINE_HTTP_PORT: '0',
  MASKLINE_HTTPS_PORT: '0',
  MASKLINE_ADMIN_PORT: '0',
  MASKLINE_MEDIA_HOST: '127.0.0.1',
  MASKLINE_RTP_PORT_MIN: '28000',
  MASKLINE_RTP_PORT_MAX: '28999',
}
/** The configuration file in the data folder, where the platform and the commands find it. */
const withTrunks = (port: number) => ({
  sip: {
    trunks: [
      {
        name: 'carrier',
        peer: { address: '127.0.0.1', port },
        allowFrom: ['192.0.2.0/24'],
        maxChannels: { total: 30, out: 20 },
        health: { optionsSec: 0, timeoutMs: 500 },
      },
      { name: 'incoming', allowFrom: ['198.51.100.7'] },
    ],
  },
})
let carrier: SipStack
let platform: Platform
let stopped: Promise<void> | undefined
const stop = (): Promise<void> => (stopped ??= platform.close())

before(async () => {
  const listen = [{ transport: 'udp', address: '127.0.0.1', port: 0 } as const]
  carrier = await createSipStack({ listen, handlers: { onInvite: (call) => call.reject(603) } })
  const file = path.join(env.MASKLINE_DATA, 'maskline.json')
  mkdirSync(env.MASKLINE_DATA)
  writeFileSync(file, JSON.stringify(withTrunks(carrier.addresses[0]!.port)))
  const config = loadConfig(env, file)
  platform = await startPlatform(config, { log: silentLog })
  noteReach(config, platform)
  await platform.storage.apps.saveApp(
    newApp({ key: 'axb', secret: 's', tenantId: 't1', mode: 'AXB', name: 'shop' }),
  )
})
after(async () => {
  await stop()
  await carrier.close()
  rmSync(dir, { recursive: true })
})

type Run = typeof runApps
async function say(run: Run, line: string, code = 0): Promise<string> {
  let said = ''
  const write = (text: string | Uint8Array): void => void (said += String(text))
  assert.equal(await run(line.split(' '), env, { stdout: { write } }), code)
  return said
}
const refused = (run: Run, line: string, code: string, message: RegExp): Promise<void> =>
  assert.rejects(say(run, line), (error: unknown) => {
    assert.equal((error as { code?: string }).code, code)
    assert.match((error as Error).message, message)
    return true
  })

test('the token of the admin API is made at the first start, for its owner only', () => {
  const file = path.join(env.MASKLINE_DATA, ADMIN_TOKEN_FILE)
  assert.match(readFileSync(file, 'utf8'), /^[\w-]{43}\n$/)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('announcements: a file goes from a folder to the callers and back', async () => {
  const source = path.join(dir, 'hello.wav')
  writeFileSync(source, writeWav({ encoding: 'pcm16', samples: generateTone(440, 1) }))
  assert.match(
    await say(runAnnouncements, `upload ${source} --name wait.wav --description 等待`),
    /wait\.wav of account t1: reviewing/,
  )
  assert.match(await say(runAnnouncements, 'list'), /t1 +wait\.wav +reviewing 待审核 +1\.0 s +等待/)
  await refused(runAnnouncements, `upload ${source} --name wait.wav`, 'ANNOUNCEMENT_EXISTS', /replace/)
  assert.match(await say(runAnnouncements, 'reject wait.wav --note loud'), /rejected/)
  assert.match(await say(runAnnouncements, 'list --tenant t1'), /rejected 审核不通过 .*\[loud\]/)
  assert.match(await say(runAnnouncements, `upload ${source} --name wait.wav --replace yes`), /reviewing/)
  assert.match(await say(runAnnouncements, `upload ${source} --replace --name wait.wav`), /reviewing/)
  await say(runAnnouncements, 'approve wait.wav')
  assert.match(await say(runApps, 'set axb noBindingTone=wait.wav'), /"noBindingTone": "wait\.wav"/)
  assert.match(
    await say(runAnnouncements, 'uses wait.wav'),
    /named by app axb \(noBindingTone\), 0 bindings\./,
  )
  const out = path.join(dir, 'out.wav')
  await say(runAnnouncements, `download wait.wav --out ${out}`)
  const { encoding, samples } = readWav(readFileSync(out))
  assert.deepEqual([encoding, samples.length], ['alaw', 8000])
  const nowhere = path.join(dir, 'none', 'x.wav')
  await refused(
    runAnnouncements,
    `download wait.wav --out ${nowhere}`,
    'FILE_UNWRITABLE',
    /x\.wav \(ENOENT\)/,
  )
  assert.match(await say(runAnnouncements, 'delete wait.wav'), /deleted\. It is named by app axb/)
  await refused(runAnnouncements, 'uses wait.wav', 'ANNOUNCEMENT_UNKNOWN', /wait\.wav/)
  await say(runApps, 'set axb noBindingTone=no_binding.wav')
})

test('announcements: a file too large is not sent', async () => {
  const large = path.join(dir, 'large.wav')
  writeFileSync(large, new Uint8Array(MOST_SOURCE_BYTES + 1))
  await refused(
    runAnnouncements,
    `upload ${large}`,
    'ANNOUNCEMENT_TOO_LARGE',
    /large\.wav has 6291457 bytes; an upload has at most 6291456 \(6 MB\)/,
  )
})

test('apps: are made, listed, shown and set', async () => {
  const made = await say(runApps, 'create AXE taxi --tenant t2')
  const key = /^key +(\S+)$/m.exec(made)?.[1]
  assert.match(made, /^key +[\da-f]{24}\nsecret +[\da-f]{32}$/m)
  assert.match(await say(runApps, 'list'), new RegExp(`${key} +t2 +AXE +taxi +normal +active`))
  await say(runApps, `set ${key} axe.repeatCount=1 statusUrl=http://customer.example/s recordingEnabled=true`)
  const shown = JSON.parse(await say(runApps, `show ${key}`)) as Record<string, unknown>
  assert.deepEqual(shown.axe, { extensionLength: 4, wrongEndTone: 'extension_wrong_end.wav', repeatCount: 1 })
  assert.equal(shown.recordingEnabled, true)
  await say(runApps, `set ${key} statusUrl=`)
  assert.equal('statusUrl' in (JSON.parse(await say(runApps, `show ${key}`)) as object), false)
  await refused(
    runApps,
    `set ${key} status=asleep nothing=1`,
    'INVALID',
    /refused:\n {2}- nothing is not known here\n {2}- status must be one of/,
  )
})

test('apps: one is made with its settings, its mode in any letter case, and nothing is ignored', async () => {
  await refused(runApps, 'create X bare --tenant t2', 'INVALID', /statusUrl/)
  await refused(runApps, 'create X two words --tenant t2', 'USAGE', /"words" is not field=value/)
  const made = await say(runApps, 'create x asking --tenant t2 statusUrl=http://customer.example/s')
  const shown = JSON.parse(await say(runApps, `show ${/^key +(\S+)$/m.exec(made)?.[1]}`)) as object
  assert.partialDeepStrictEqual(shown, { mode: 'X', name: 'asking', statusUrl: 'http://customer.example/s' })
})

test('numbers: are added, listed and suspended', async () => {
  assert.match(await say(runNumbers, 'add axb 0755 +8617000000001 +8617000000002'), /2 numbers/)
  assert.match(await say(runNumbers, 'status +8617000000002 unusable --cause 2'), /is unusable/)
  const listed = await say(runNumbers, 'list axb')
  assert.match(listed, /\+8617000000001 +0755 +normal\n/)
  assert.match(listed, /\+8617000000002 +0755 +unusable +2\n/)
})

test('numbers: --sms lets them do SMS, those that are there already too', async () => {
  const isCapable = async (number: string) =>
    (await platform.storage.numbers.find(number as E164))?.smsCapable
  await say(runNumbers, 'add axb 0755 +8617000000005')
  assert.equal(await isCapable('+8617000000005'), false)
  await say(runNumbers, 'add axb 0755 +8617000000005 +8617000000006 --sms')
  await say(runNumbers, 'add axb 0755 +8617000000006')
  for (const number of ['+8617000000005', '+8617000000006']) assert.equal(await isCapable(number), true)
})

test('numbers: one of another app comes with --move only, which is said to cost its bindings', async () => {
  await platform.storage.apps.saveApp(newApp({ key: 'other', secret: 's', tenantId: 't1', mode: 'AXB' }))
  const line = 'add other 0755 +8617000000001'
  await refused(
    runNumbers,
    line,
    'INVALID',
    /belongs to app axb; .*--move.* takes it, and its bindings are lost/,
  )
  assert.match(await say(runNumbers, `${line} --move`), /1 numbers added to other/)
  assert.match(await say(runNumbers, 'list other'), /\+8617000000001/)
})

test('SMS: are listed by what is asked for, masked, and shown with their parts', async () => {
  assert.equal(await say(runSms, 'list'), 'There are no SMS of that kind.\n')
  const { sms } = platform.storage
  const at = Date.UTC(2024, 0, 24, 9, 6, 16, 450)
  const arrived = {
    carrier: 'smsc-1',
    from: '+8613800000021',
    x: '+8617000000001' as E164,
    coding: 'gsm7',
    userData: Buffer.from('a secret text'),
  } as const
  const times = { gatherMs: 60_000, doubtAfterMs: 5_000 }
  const [done, open] = [await sms.receive(arrived, at, times), await sms.receive(arrived, at + 1, times)]
  assert.ok(done.kind === 'complete' && open.kind === 'complete')
  const { id } = done.message
  await endPartlySent(sms, done.message)
  await sms.receipt('smsc-1', { messageId: 'c-1', state: 'delivered' })

  const cells = (said: string) => said.split('\n').map((row) => row.trim().split(/ {2,}/))
  const came = '2024-01-24T09:06:16.450Z'
  const numbers = ['+8617000000001', '+86*********21', '+86*********22']
  for (const filters of ['--number 13800000022', '--app axb --result 9', '--state ended --x +8617000000001'])
    assert.deepEqual(cells(await say(runSms, `list ${filters}`)), [
      ['CAME', 'ID', 'APP', 'X', 'FROM', 'TO', 'STATE', 'RESULT'],
      [came, id, 'axb', ...numbers, 'ended', '9 partly sent'],
      [''],
    ])
  const newest = await say(runSms, 'list --limit 1')
  assert.match(newest, new RegExp(`There are more: --before ${open.message.id} shows`))
  assert.match(await say(runSms, `list --before ${open.message.id}`), new RegExp(id))
  const shown = await say(runSms, `show ${id}`)
  assert.deepEqual(cells(shown), [
    ['ID', id],
    ['came', `${came} by smsc-1`],
    ['app', 'axb'],
    ['X', numbers[0]],
    ['from', numbers[1]],
    ['to', numbers[2]],
    ['binding', 'binding-1'],
    ['state', 'ended 2024-01-24T09:06:16.950Z'],
    ['result', '9 partly sent'],
    ['segments', '1'],
    [''],
    ['PART', 'SEGMENTS', 'STATE', 'SINCE', 'CARRIER', 'ITS ID', 'STATUS', 'RECEIPT'],
    ['1', '1', 'accepted', '2024-01-24T09:06:16.850Z', 'smsc-1', 'c-1', 'delivered'],
    ['2', '1', 'refused', '2024-01-24T09:06:16.950Z', 'smsc-1', '69'],
    [''],
  ])
  assert.match(
    await say(runSms, `show ${open.message.id}`),
    /received\n\nNothing of it was given to a carrier/,
  )
  assert.doesNotMatch(newest + shown, /138000000|secret text/)
  await refused(runSms, 'list --number nobody', 'INVALID', /number is no telephone number/)
  await refused(runSms, 'show no-such-id', 'SMS_UNKNOWN', /there is no SMS no-such-id/)
  await refused(runSms, 'show', 'USAGE', /the id is missing/)
})

test('trunks: what is in use, and what of each works', async () => {
  const { port } = carrier.addresses[0]!
  const listed = (await say(runTrunk, 'list')).split('\n').map((row) => row.trim().split(/ {2,}/))
  assert.deepEqual(listed.slice(1, 3), [
    ['carrier', '0/30', '0/20', `127.0.0.1:${port} udp`, 'not asked'],
    ['incoming', '0', '0'],
  ])
  assert.match(await say(runTrunk, 'test carrier'), /OPTIONS 127.*ok .*200 OK in \d+ ms\ncarrier works\.\n$/)
  assert.match(await say(runTrunk, 'test incoming'), /calls in from 198\.51\.100\.7; no calls out/)
  await refused(
    runTrunk,
    'test none',
    'TRUNK_UNKNOWN',
    /there is no trunk none; there are: carrier, incoming/,
  )
})

test('a list of nothing is a sentence', async (t) => {
  assert.equal(await say(runBans, 'list'), 'Nobody is banned.\n')
  const data = path.join(dir, 'bare')
  const config = loadConfig({
    ...env,
    MASKLINE_DATA: data,
    MASKLINE_RTP_PORT_MIN: '29000',
    MASKLINE_RTP_PORT_MAX: '29099',
  })
  const bare = await startPlatform(config, { log: silentLog })
  t.after(() => bare.close())
  noteReach(config, bare)
  assert.match(await say(runTrunk, `list --data ${data}`), /^There are no trunks; .*sip\.trunks.*\.\n$/)
  assert.match(await say(runApps, `list --data ${data}`), /^There are no apps; .*apps create.*\.\n$/)
  assert.match(
    await say(runAnnouncements, `list --data ${data}`),
    /^There are no announcement files; .*announcements upload.*\.\n$/,
  )
  await bare.storage.apps.saveApp(
    newApp({ key: 'axb', secret: 's', tenantId: 't1', mode: 'AXB', name: 'shop' }),
  )
  assert.match(
    await say(runNumbers, `list axb --data ${data}`),
    /^The app axb has no numbers; .*numbers add.*\.\n$/,
  )
})

test('settings are JSON where they are JSON, text otherwise, and nothing removes', () => {
  assert.deepEqual(readSettings(['a=true', 'b=12', 'c=x=y', 'd.e=', 'd.f=["192.0.2.1"]', 'g={', 'h="12"']), {
    a: true,
    b: 12,
    c: 'x=y',
    d: { e: null, f: ['192.0.2.1'] },
    g: '{',
    h: '12',
  })
})

test('a wrong command line is told in a sentence', async () => {
  await refused(runAnnouncements, 'sing', 'USAGE', /does not know "sing"/)
  await refused(runAnnouncements, 'upload', 'USAGE', /the file is missing/)
  await refused(runAnnouncements, 'list --what ever', 'USAGE', /--what/)
  await refused(runAnnouncements, 'list t1', 'USAGE', /"t1" is a word too many/)
  await refused(runApps, 'list t1', 'USAGE', /"t1" is a word too many/)
  await refused(runNumbers, 'status +8617000000002 normal now', 'USAGE', /"now" is a word too many/)
  await refused(runAnnouncements, `upload ${dir}/none.wav`, 'FILE_UNREADABLE', /none\.wav \(ENOENT\)/)
  await refused(runApps, 'set axb name', 'USAGE', /field=value/)
  await refused(runSip as Run, 'trace all', 'USAGE', /"all" is a word too many/)
  await refused(runSip as Run, 'log', 'USAGE', /sip does not know "log"/)
  await refused(runSip as Run, 'trace --seconds soon', 'INVALID', /seconds/)
  await refused(runTrunk, 'test', 'USAGE', /the name of the trunk is missing/)
  await refused(runApps, `list --data ${dir}/empty`, 'NO_DATA', /no platform has run on/)
})

test('a platform that runs on another data folder is told from one that does not run', async () => {
  const data = path.join(dir, 'elsewhere')
  mkdirSync(data)
  writeFileSync(path.join(data, ADMIN_TOKEN_FILE), `${'x'.repeat(43)}\n`)
  noteReach(loadConfig({ MASKLINE_DATA: data }), platform)
  await refused(
    runApps,
    `list --data ${data}`,
    'UNAUTHORIZED',
    new RegExp(`the platform at 127\\.0\\.0\\.1:\\d+ does not take the token of ${data}: .*--data`),
  )
})

test('sip trace: messages as text until the platform stops; who shows real numbers is warned', async () => {
  const out = { text: '', err: '' }
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const stdout = {
    write(text: string | Uint8Array) {
      out.text += String(text)
      if (out.text.includes('SIP/2.0 200 OK')) answered.resolve()
    },
  }
  const stderr = {
    write(text: string) {
      out.err += text
      if (text.startsWith('Tracing')) asked.resolve()
    },
  }
  const tracing = runSip(['trace', '--number', '17000000001', '--real-numbers'], env, { stdout, stderr })
  await asked.promise
  assert.match(out.err, /^REAL NUMBERS ARE SHOWN\..*\nTracing for 300 s; Ctrl-C ends it\.\n$/)
  const { host, port } = platform.sip
  const uri = `sip:+8617000000001@${host}:${port}`
  const ask = (to: string) =>
    carrier.request(
      { method: 'OPTIONS', uri: to, from: '<sip:+8613800000021@carrier.example>', to: `<${to}>` },
      () => {},
    )
  ask(`sip:+8617000000002@${host}:${port}`)
  ask(uri)
  await answered.promise
  const broken = assert.rejects(tracing, /the platform broke the answer off/)
  await stop()
  await broken
  const at = carrier.addresses[0]!.port
  assert.match(
    out.text,
    new RegExp(
      `^<--- [-0-9]+ [:.0-9]+Z received from udp 127\\.0\\.0\\.1:${at} at 127\\.0\\.0\\.1:${port} --->\nOPTIONS sip:\\+8617000000001@.*SIP/2\\.0\n[^]*From: <sip:\\+8613800000021@[^]*` +
        `\n\n<--- [-0-9]+ [:.0-9]+Z sent to udp 127\\.0\\.0\\.1:${at} from 127\\.0\\.0\\.1:${port} --->\nSIP/2\\.0 200 OK\n`,
    ),
  )
  assert.ok(!out.text.includes('+8617000000002'))
})

test('when the platform is stopped, that is what is said', async () => {
  await stop()
  await refused(runApps, 'list', 'NO_PLATFORM', /no platform answers at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/)
})

test('a trunk is tested without a platform too, and one that answers nothing ends the command with 1', async () => {
  await stop()
  assert.match(await say(runTrunk, 'test carrier'), /^No platform runs .*carrier works\.\n$/s)
  await carrier.close()
  assert.match(await say(runTrunk, 'test carrier', 1), /FAILED +no answer in 500 ms\ncarrier does not work/)
  await refused(runTrunk, 'list', 'NO_PLATFORM', /no platform answers/)
})
