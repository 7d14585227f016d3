import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { App, Mode } from '../tenants/app.ts'
import { anApp, NOW, startTestApi, type CallOptions, type TestApi } from './api-test-kit.ts'
import { signHeaders } from './signing.ts'

/** Terminate call (spec/stop-call-and-recording.md section 1) on the wire. What happens to the call is told in calls/. */

const PATH = '/rest/httpsessions/callStop/v2.0'
const SESSION = '1200_1827_42_20260212153020@maskline.local'

/** The one running call: of app-key-0001 until it is stopped. */
const running = new Set<string>()
let fault: Error | undefined
let test: TestApi
before(async () => {
  test = await startTestApi({
    terminate(appKey, sessionId) {
      if (fault !== undefined) throw fault
      return running.delete(`${appKey} ${sessionId}`)
    },
  })
})
after(() => test.close())
beforeEach(() => {
  fault = undefined
  test.app = anApp()
  running.clear()
  running.add(`app-key-0001 ${SESSION}`)
})

type Case = {
  readonly title: string
  readonly expected: string
  readonly body?: unknown
  readonly app?: Partial<App>
  readonly signs?: { readonly key?: string; readonly secret?: string }
  readonly headers?: CallOptions['headers']
}
const STOP = { sessionid: SESSION, signal: 'call_stop' }

const CASES: readonly Case[] = [
  { title: '[stop.path] [stop.code.0] stops the call', expected: '200 0 Success' },
  {
    title: '[stop.sessionId] takes the spelling of the notifications',
    expected: '200 0 Success',
    body: { sessionId: SESSION, signal: 'call_stop' },
  },
  {
    title: '[stop.sessionId] of two spellings that of this API counts',
    expected: '200 0 Success',
    body: { ...STOP, sessionId: 'another' },
  },
  {
    title: '[stop.sessionid] [stop.code.1020001] sessionid is missing',
    expected: '500 1020001 Parameter error.',
    body: { signal: 'call_stop' },
  },
  {
    title: '[stop.sessionid] it is empty',
    expected: '500 1020001 Parameter error.',
    body: { ...STOP, sessionid: '' },
  },
  {
    title: '[stop.sessionid] it has 257 characters',
    expected: '500 1020001 Parameter error.',
    body: { ...STOP, sessionid: 's'.repeat(257) },
  },
  {
    title: '[stop.sessionid] it has 256 characters, but names no call',
    expected: '500 1020002 Internal error.',
    body: { ...STOP, sessionid: 's'.repeat(256) },
  },
  {
    title: '[stop.sessionid] it is no text',
    expected: '500 1020001 Parameter error.',
    body: { ...STOP, sessionid: { a: 1 } },
  },
  {
    title: '[stop.signal] [stop.code.1020001] signal is missing',
    expected: '500 1020001 Parameter error.',
    body: { sessionid: SESSION },
  },
  {
    title: '[stop.signal] it is another',
    expected: '500 1020001 Parameter error.',
    body: { ...STOP, signal: 'call_pause' },
  },
  {
    title: '[stop.code.1020001] the body is no JSON object',
    expected: '500 1020001 Parameter error.',
    body: 'sessionid=1',
  },
  {
    title: '[stop.code.1020002] no call has this session',
    expected: '500 1020002 Internal error.',
    body: { ...STOP, sessionid: 'unknown' },
  },
  {
    title: '[stop.frozen] a frozen account may stop its calls',
    expected: '200 0 Success',
    app: { accountStatus: 'frozen' },
  },
  {
    title: '[stop.code.1010008] the app is suspended',
    expected: '403 1010008 The status of the app_key is unavailable.',
    app: { status: 'suspended' },
  },
  {
    title: '[stop.code.1020166] the source is not on the allowlist',
    expected: '403 1020166 The app client ip is not in ip white list.',
    app: { ipAllowlist: ['192.0.2.1'] },
  },
  {
    title: '[stop.code.1010003] the APP_Key is unknown',
    expected: '403 1010003 Invalid app_key.',
    signs: { key: 'app-key-0009' },
  },
  {
    title: '[stop.code.401] the digest is wrong',
    expected: '401 1010010 Invalid digest.',
    signs: { secret: 'wrong' },
  },
  {
    title: '[stop.code.400] the header Authorization is missing',
    expected: '400 1023006 Authorization not contained in the HTTP header.',
    headers: { Authorization: undefined },
  },
]

for (const scheme of ['AKSK', 'WSSE'] as const) {
  describe(`terminate call, signed by ${scheme}`, () => {
    const stop = async ({ body = STOP, signs, headers }: Partial<Case> = {}): Promise<string> => {
      const { key, secret } = { ...test.app, ...signs }
      const signed = signHeaders({ scheme, key, secret, now: NOW, nonce: 'n0nce' })
      const options = { path: PATH, body, unsigned: true, headers: { ...signed, ...headers } }
      const { status, json } = await test.call('POST', options)
      assert.deepEqual(Object.keys(json), ['resultcode', 'resultdesc'])
      return `${status} ${String(json['resultcode'])} ${String(json['resultdesc'])}`
    }

    for (const each of CASES) {
      it(each.title, async () => {
        test.app = anApp(each.app)
        assert.equal(await stop(each), each.expected)
        assert.equal(running.size, each.expected.startsWith('200') ? 0 : 1)
      })
    }

    for (const mode of ['AX', 'AXB', 'AXE', 'AXYB', 'X'] satisfies Mode[]) {
      it(`[stop.modes] an app of mode ${mode} may ask`, async () => {
        test.app = anApp({ mode })
        assert.equal(await stop(), '200 0 Success')
      })
    }

    it('[stop.code.1020002] [stop.second] a second stop fails', async () => {
      assert.equal(await stop(), '200 0 Success')
      assert.equal(await stop(), '500 1020002 Internal error.')
    })

    it('[stop.code.1020002] a call of another app is not stopped', async () => {
      test.app = anApp({ key: 'app-key-0002' })
      assert.equal(await stop(), '500 1020002 Internal error.')
      assert.equal(running.size, 1)
    })

    it('[stop.code.1010001] a fault of our own', async () => {
      fault = new Error('made to fail')
      assert.equal(await stop(), '500 1010001 Internal system error.')
    })
  })
}

describe('terminate call', () => {
  const code = async (on: TestApi) => (await on.call('POST', { path: PATH, body: STOP })).json['resultcode']

  it('[stop.code.1020176] a source that failed to authenticate too often is locked out', async () => {
    const strict = await startTestApi({ config: { lockoutFailures: 1 } })
    try {
      const headers = signHeaders({ scheme: 'AKSK', key: 'unknown', secret: 'x', now: NOW, nonce: 'n' })
      await strict.call('POST', { path: PATH, body: STOP, headers })
      assert.equal(await code(strict), '1020176')
    } finally {
      await strict.close()
    }
  })

  it('[stop.code.1010010] the flow control of every API holds here too', async () => {
    const slow = await startTestApi({ terminate: () => true, config: { appRatePerSec: 1 } })
    try {
      assert.equal(await code(slow), '0')
      assert.equal(await code(slow), '1010010')
    } finally {
      await slow.close()
    }
  })
})
