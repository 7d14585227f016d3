import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createLinkSigner } from '../recordings/links.ts'
import { aRecord, putWav, readLength, tempFolder } from '../recordings/recordings-test-kit.ts'
import { openRecordings, type RecordingLibrary } from '../recordings/recordings.ts'
import { silentLog } from '../shared/log.ts'
import { systemClock, type Clock } from '../shared/time.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import type { App, Mode } from '../tenants/app.ts'
import { anApp, NOW, startTestApi, type CallOptions, type TestApi } from './api-test-kit.ts'
import type { OpenApiOptions } from './server.ts'
import { signHeaders } from './signing.ts'

/** The download address (spec/stop-call-and-recording.md section 3), from the wire down to a real list and real files. */

const PATH = '/rest/provision/voice/record/v1.0'
const DOMAIN = 'rec.example'
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const OTHER = anApp({ key: 'app-key-0002' })

const hand = { now: NOW }
const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }
const { dir, remove } = tempFolder()
let storage: Storage
let library: RecordingLibrary
let recordings: OpenApiOptions['recordings']
let test: TestApi
let fileName: string
let othersFile: string

before(async () => {
  storage = await openStorage({ dataDir: ':memory:', clock })
  library = openRecordings({
    folder: path.join(dir, 'recordings'),
    domain: DOMAIN,
    index: storage.recordings,
    recover: readLength,
    keepDays: 7,
    clock,
    log: silentLog,
  })
  recordings = { library, links: createLinkSigner(new Uint8Array(64)), linkHours: 72, linkRatePerMin: 0 }
  test = await startTestApi({ recordings, clock })
  fileName = await recorded(anApp())
  othersFile = await recorded(OTHER)
})
after(async () => {
  await test.close()
  await library.close()
  await storage.close()
  remove()
})
beforeEach(() => {
  hand.now = NOW
  test.app = anApp()
})

/** Records a call of an app and gives the name that its CDR carries. */
async function recorded(app: App): Promise<string> {
  const { ref, file } = library.begin(app, hand.now)
  putWav(file, 60_000)
  assert.equal(await library.finish(aRecord({ appKey: app.key }), ref), true)
  return ref.object
}

const query = (name: string, domain = DOMAIN): string =>
  `?fileName=${encodeURIComponent(name)}&recordDomain=${encodeURIComponent(domain)}`

type Refusal = {
  /** Row ids and what is wrong. */
  readonly title: string
  readonly expected: string
  readonly query?: () => string
  /** How the app stands in the store. */
  readonly app?: Partial<App>
  /** What the client signs with instead. */
  readonly signs?: { readonly key?: string; readonly secret?: string }
  readonly headers?: CallOptions['headers']
  readonly at?: number
}

const REFUSALS: readonly Refusal[] = [
  {
    title: '[rec.fileName] [rec.code.1010002] fileName is missing',
    expected: '403 1010002 fileName',
    query: () => `?recordDomain=${DOMAIN}`,
  },
  { title: '[rec.fileName] it is empty', expected: '403 1010002 fileName', query: () => query('') },
  {
    title: '[rec.fileName] it has 129 characters',
    expected: '403 1010002 fileName',
    query: () => query('1'.repeat(129)),
  },
  {
    title: '[rec.fileName] [rec.code.1012007.name] it has 128 characters, but names nothing',
    expected: '403 1012007',
    query: () => query('1'.repeat(128)),
  },
  {
    title: '[rec.recordDomain] recordDomain is missing',
    expected: '403 1010002 recordDomain',
    query: () => `?fileName=${fileName}`,
  },
  {
    title: '[rec.recordDomain] it has 129 characters',
    expected: '403 1010002 recordDomain',
    query: () => query(fileName, 'd'.repeat(129)),
  },
  {
    title: '[rec.recordDomain] [rec.code.1012007.domain] it differs from the CDR',
    expected: '403 1012007',
    query: () => query(fileName, 'other.example'),
  },
  {
    title: '[rec.code.1012007.name] no such recording',
    expected: '403 1012007',
    query: () => query('26021215302099999999999.wav'),
  },
  {
    title: '[rec.code.1012007.name] a path instead of a name',
    expected: '403 1012007',
    query: () => query(`../sp-app-key-0001/${fileName}`),
  },
  {
    title: '[rec.code.1012007.other] the recording is of another app',
    expected: '403 1012007',
    query: () => query(othersFile),
  },
  {
    title: '[rec.code.1012007.late] [rec.keep.days] it is older than 7 days',
    expected: '403 1012007',
    at: NOW + 7 * DAY_MS,
  },
  {
    title: '[rec.code.1012007.arrears] the account is frozen',
    expected: '403 1012007',
    app: { accountStatus: 'frozen' },
  },
  {
    title: '[rec.code.1012012] the app has recording off',
    expected: '403 1012012',
    app: { recordingEnabled: false },
  },
  {
    title: '[rec.code.1010004] the app is suspended',
    expected: '403 1010004',
    app: { status: 'suspended' },
  },
  {
    title: '[rec.code.1020166] the source is not on the allowlist',
    expected: '403 1020166',
    app: { ipAllowlist: ['192.0.2.1'] },
  },
  {
    title: '[rec.code.1010003] the APP_Key is unknown',
    expected: '403 1010003',
    signs: { key: 'app-key-0009' },
  },
  { title: '[rec.code.401] the digest is wrong', expected: '401 1010010', signs: { secret: 'wrong' } },
  {
    title: '[rec.code.400] the header Authorization is missing',
    expected: '400 1023006',
    headers: { Authorization: undefined },
  },
]

for (const scheme of ['AKSK', 'WSSE'] as const) {
  describe(`recording download address, signed by ${scheme}`, () => {
    const ask = ({ query: asked = () => query(fileName), signs = {}, headers }: Partial<Refusal> = {}) => {
      const { key, secret } = { ...test.app, ...signs }
      const signed = signHeaders({ scheme, key, secret, now: hand.now, nonce: 'n0nce' })
      return test.call('GET', {
        path: PATH,
        query: asked(),
        unsigned: true,
        headers: { ...signed, ...headers },
      })
    }

    for (const refusal of REFUSALS) {
      it(refusal.title, async () => {
        test.app = anApp(refusal.app)
        hand.now = refusal.at ?? NOW
        const { status, json, headers } = await ask(refusal)
        assert.deepEqual(Object.keys(json), ['resultcode', 'resultdesc'])
        const culprit = /^Invalid request\. (\S+) is invalid\.$/.exec(String(json['resultdesc']))?.[1]
        const answer = [status, json['resultcode'], ...(culprit === undefined ? [] : [culprit])]
        assert.equal(answer.join(' '), refusal.expected)
        assert.equal(headers['location'], undefined)
      })
    }

    it('[habit.18] [rec.path] [rec.301] [rec.location] [rec.nostore] answers 301 with the address, not to be cached', async () => {
      const { status, headers, text } = await ask()
      assert.equal(status, 301)
      const link = String(headers['location'])
      assert.match(
        link,
        new RegExp(`^http://127\\.0\\.0\\.1:${test.port}/record/${fileName}\\?until=\\d+&sign=[\\w-]{43}$`),
      )
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(text, '')
    })

    for (const mode of ['AX', 'AXB', 'AXE', 'AXYB', 'X'] satisfies Mode[]) {
      it(`[rec.modes] an app of mode ${mode} may ask`, async () => {
        test.app = anApp({ mode })
        assert.equal((await ask()).status, 301)
      })
    }

    it('[rec.link.hours] the address is good for 3 days, or until the recording is deleted', async () => {
      const until = async (at: number) => {
        hand.now = at
        const link = new URL(String((await ask()).headers['location']))
        return Number(link.searchParams.get('until')) * 1000
      }
      assert.equal(await until(NOW), NOW + 72 * HOUR_MS)
      assert.equal(await until(NOW + 6 * DAY_MS), NOW + 7 * DAY_MS)
    })
  })
}

describe('recording download address', () => {
  const ask = (on: TestApi, options: CallOptions = {}) =>
    on.call('GET', { path: PATH, query: query(fileName), ...options })

  it('[rec.location] begins with the configured address, or the one that the request named', async () => {
    const named = await ask(test, { headers: { Host: 'api.example:8443' } })
    assert.match(String(named.headers['location']), /^http:\/\/api\.example:8443\/record\//)
    const forged = await ask(test, { headers: { Host: 'evil.example/x?' } })
    assert.match(String(forged.headers['location']), /^http:\/\/127\.0\.0\.1:\d+\/record\//)
    const behindProxy = await startTestApi({
      recordings,
      clock,
      config: { publicUrl: 'https://masks.example/api/' },
    })
    try {
      const { headers } = await ask(behindProxy, { headers: { Host: 'inside.example' } })
      assert.match(String(headers['location']), /^https:\/\/masks\.example\/api\/record\//)
    } finally {
      await behindProxy.close()
    }
  })

  it('[rec.code.1011006] too many addresses a minute, for one source or one app', async () => {
    const limited = await startTestApi({ recordings: { ...recordings, linkRatePerMin: 30 }, clock })
    try {
      const codes = async (count: number) => {
        const answers = await Promise.all(Array.from({ length: count }, () => ask(limited)))
        return answers.map(({ status, json }) => `${status} ${json['resultcode'] ?? ''}`)
      }
      assert.deepEqual(new Set(await codes(30)), new Set(['301 ']))
      assert.deepEqual(await codes(1), ['403 1011006'])
      hand.now += 1_999
      assert.deepEqual(await codes(1), ['403 1011006'])
      hand.now += 1
      assert.deepEqual(await codes(2), ['301 ', '403 1011006'])
      hand.now += 60_000
      assert.deepEqual(await codes(1), ['301 '])
    } finally {
      await limited.close()
    }
  })

  it('[rec.code.1020176] a source that failed to authenticate too often is locked out', async () => {
    const strict = await startTestApi({ recordings, clock, config: { lockoutFailures: 1 } })
    try {
      const wrong = signHeaders({ scheme: 'AKSK', key: OTHER.key, secret: 'x', now: NOW, nonce: 'n' })
      assert.equal((await ask(strict, { headers: wrong })).status, 403)
      assert.equal((await ask(strict)).json['resultcode'], '1020176')
    } finally {
      await strict.close()
    }
  })

  it('[rec.code.1010010] the flow control of every API holds here too', async () => {
    const slow = await startTestApi({ recordings, clock, config: { appRatePerSec: 1 } })
    try {
      assert.equal((await ask(slow)).status, 301)
      assert.equal((await ask(slow)).json['resultcode'], '1010010')
    } finally {
      await slow.close()
    }
  })

  it('[rec.code.1010001] the list of recordings cannot be read', async () => {
    const find = async () => Promise.reject(new Error('made to fail'))
    const broken = await startTestApi({
      recordings: { ...recordings, library: { ...library, find } },
      clock,
    })
    try {
      const { status, json } = await ask(broken)
      assert.deepEqual([status, json['resultcode']], [500, '1010001'])
    } finally {
      await broken.close()
    }
  })

  it('[rec.ready] is there as soon as the CDR may name it', async () => {
    const name = await recorded(anApp())
    assert.equal((await ask(test, { query: query(name) })).status, 301)
  })

  it('[rec.link.private] the address tells nothing but the name of the file', async () => {
    const { headers } = await ask(test)
    const { searchParams, pathname } = new URL(String(headers['location']))
    assert.equal(pathname, `/record/${fileName}`)
    assert.deepEqual([...searchParams.keys()], ['until', 'sign'])
    assert.doesNotMatch(String(headers['location']), /app-key|138000000|170000000/i)
  })
})
