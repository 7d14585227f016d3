import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createLinkSigner } from '../recordings/links.ts'
import { aRecord, putWav, readLength, tempFolder } from '../recordings/recordings-test-kit.ts'
import { openRecordings, type RecordingLibrary } from '../recordings/recordings.ts'
import type { OpenFile } from '../recordings/ports.ts'
import { silentLog } from '../shared/log.ts'
import { systemClock, type Clock } from '../shared/time.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import { anApp, NOW, startTestApi, type TestApi } from './api-test-kit.ts'
import { readRange } from './recording-link.ts'

/** The audio behind a download address: plain HTTP, as players and download programs use it. */

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const hand = { now: NOW }
const clock: Clock = { now: () => hand.now, setTimer: systemClock.setTimer }
const { dir, remove } = tempFolder()
const links = createLinkSigner(new Uint8Array(64))
/** Files that the API opened, in order. */
const opened: OpenFile[] = []
let storage: Storage
let library: RecordingLibrary
let test: TestApi
let object: string
let audio: Buffer
let link: string

before(async () => {
  storage = await openStorage({ dataDir: ':memory:', clock })
  library = openRecordings({
    folder: path.join(dir, 'recordings'),
    domain: 'rec.example',
    index: storage.recordings,
    recover: readLength,
    keepDays: 7,
    clock,
    log: silentLog,
  })
  const open: RecordingLibrary['open'] = async (entry, range) => {
    const file = await library.open(entry, range)
    if (file !== undefined) opened.push(file)
    return file
  }
  test = await startTestApi({
    recordings: { library: { find: library.find, open }, links, linkHours: 72, linkRatePerMin: 0 },
    clock,
  })
  const { ref, file } = library.begin(anApp(), NOW)
  audio = Buffer.from(putWav(file, 600_000))
  assert.equal(await library.finish(aRecord(), ref), true)
  object = ref.object
  link = links.write({ object, until: NOW + 72 * HOUR_MS })
})
after(async () => {
  await test.close()
  await library.close()
  await storage.close()
  remove()
})
beforeEach(() => {
  hand.now = NOW
  opened.length = 0
})

type Got = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly bytes: Buffer }

async function begin(target: string, headers: Record<string, string> = {}, method = 'GET', port = test.port) {
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: target,
    method,
    headers,
    agent: false,
  })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

async function get(target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  const response = await begin(target, headers, method)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }
}

const gone = ({ status, headers, bytes }: Got, expected: number): void => {
  assert.equal(status, expected)
  assert.equal(headers['content-type'], 'application/json;charset=utf-8')
  const answer = JSON.parse(bytes.toString()) as Record<string, string>
  assert.equal(answer['resultcode'], '1012007')
}

describe('download links', () => {
  it('[rec.link.plain] [rec.link.type] a plain GET without any authentication gives the audio', async () => {
    const { status, headers, bytes } = await get(link)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'audio/wav')
    assert.equal(headers['content-length'], String(audio.length))
    assert.equal(headers['accept-ranges'], 'bytes')
    assert.ok(bytes.equals(audio))
  })

  it('[habit.18] [rec.link.again] it works again and again, and ignores authentication that a client repeats', async () => {
    for (const headers of [
      {},
      {
        Authorization: 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"',
        'X-WSSE': 'UsernameToken nonsense',
      },
      { Authorization: 'AKSK', 'X-AKSK': 'x' },
      { Authorization: 'Basic Zm9vOmJhcg==' },
    ]) {
      const { status, bytes } = await get(link, headers as Record<string, string>)
      assert.equal(status, 200)
      assert.ok(bytes.equals(audio))
    }
  })

  it('[rec.link.again] a client that follows the redirect of the API has the audio at once', async () => {
    const reply = await test.call('GET', {
      path: '/rest/provision/voice/record/v1.0',
      query: `?fileName=${object}&recordDomain=rec.example`,
    })
    const response = await fetch(String(reply.headers['location']))
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(audio))
  })

  it('HEAD tells type and length, and opens no file', async () => {
    const { status, headers, bytes } = await get(link, {}, 'HEAD')
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'audio/wav')
    assert.equal(headers['content-length'], String(audio.length))
    assert.equal(bytes.length, 0)
    assert.equal(opened.length, 0)
  })

  it('[rec.link.range] gives the part that a player asks for', async () => {
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=100-199', 100, 199],
      ['bytes=100-', 100, audio.length - 1],
      ['bytes=-10', audio.length - 10, audio.length - 1],
      [`bytes=5-${audio.length + 100}`, 5, audio.length - 1],
    ] as const) {
      const { status, headers, bytes } = await get(link, { Range: range })
      assert.equal(status, 206, range)
      assert.equal(headers['content-range'], `bytes ${start}-${end}/${audio.length}`)
      assert.equal(headers['content-length'], String(end - start + 1))
      assert.ok(bytes.equals(audio.subarray(start, end + 1)), range)
    }
  })

  it('[rec.link.range] gives the whole for several ranges, other units, nonsense, and a part of another file', async () => {
    for (const headers of [
      { Range: 'bytes=0-1,5-6' },
      { Range: 'samples=0-1' },
      { Range: 'bytes=9-3' },
      { Range: 'bytes=-' },
      { Range: 'bytes=0-1', 'If-Range': '"another.wav"' },
    ]) {
      const { status, bytes } = await get(link, headers as Record<string, string>)
      assert.equal(status, 200, headers.Range)
      assert.equal(bytes.length, audio.length)
    }
    const { status } = await get(link, { Range: 'bytes=0-1', 'If-Range': `"${object}"` })
    assert.equal(status, 206)
  })

  it('[rec.link.range] answers 416 behind the end', async () => {
    for (const range of [`bytes=${audio.length}-`, 'bytes=-0']) {
      const { status, headers, bytes } = await get(link, { Range: range })
      assert.equal(status, 416)
      assert.equal(headers['content-range'], `bytes */${audio.length}`)
      assert.equal(headers['content-length'], String(bytes.length))
      assert.match(bytes.toString(), /"resultcode":"1010002"/)
    }
  })

  it('[rec.link.forged] answers 404 to what we did not sign', async () => {
    const signed = new URL(link, 'http://h')
    const changed = (change: (url: URL) => void): string => {
      const url = new URL(signed)
      change(url)
      return url.pathname + url.search
    }
    for (const forged of [
      `/record/${object}`,
      changed((url) => url.searchParams.set('until', String(Number(url.searchParams.get('until')) + 1))),
      changed((url) => url.searchParams.set('sign', 'A'.repeat(43))),
      changed((url) => url.searchParams.append('sign', 'B')),
      changed((url) => (url.pathname = '/record/26021215302099999999999.wav')),
      changed((url) => (url.pathname = '/record/..%2f..%2fseal.key')),
      createLinkSigner(new Uint8Array(64).fill(1)).write({ object, until: NOW + HOUR_MS }),
    ])
      gone(await get(forged), 404)
    assert.equal(opened.length, 0)
  })

  it('[rec.link.hours] answers 410 when its time is over, and when the recording was deleted', async () => {
    hand.now = NOW + 72 * HOUR_MS - 1
    assert.equal((await get(link, {}, 'HEAD')).status, 200)
    hand.now = NOW + 72 * HOUR_MS
    gone(await get(link), 410)
    const long = links.write({ object, until: NOW + 30 * DAY_MS })
    hand.now = NOW + 7 * DAY_MS
    gone(await get(long), 410)
  })

  it('answers 404 in JSON to other methods', async () => {
    const { status, bytes } = await get(link, {}, 'DELETE')
    assert.equal(status, 404)
    assert.match(bytes.toString(), /"resultcode":"1010002"/)
  })

  it('reads a file no faster than it is taken', async () => {
    const bytes = 64 * 1024 * 1024
    let given = 0
    const stream = new Readable({
      read() {
        const chunk = Buffer.alloc(Math.min(65_536, bytes - given))
        given += chunk.length
        this.push(chunk.length === 0 ? null : chunk)
      },
    })
    const find: RecordingLibrary['find'] = async (name, at) => ({ ...(await library.find(name, at))!, bytes })
    const big = await startTestApi({
      recordings: {
        library: { find, open: async () => ({ stream, size: bytes }) },
        links,
        linkHours: 72,
        linkRatePerMin: 0,
      },
      clock,
    })
    try {
      const response = await begin(link, {}, 'GET', big.port)
      // Nobody reads: what fits into the buffers on the way is taken, then the file rests.
      response.pause()
      if (!stream.isPaused()) await once(stream, 'pause')
      assert.ok(given < bytes, `${given} of ${bytes}`)
      let taken = 0
      for await (const chunk of response) taken += (chunk as Buffer).length
      assert.equal(taken, bytes)
    } finally {
      await big.close()
    }
  })

  it('a client that goes away midway leaves no file open', async () => {
    const response = await begin(link)
    const { stream } = opened[0]!
    response.destroy()
    if (!stream.closed) await once(stream, 'close')
    assert.ok(stream.destroyed)
  })
})

describe('Range', () => {
  it('is read against the size of the file', () => {
    assert.equal(readRange(undefined, 10), 'whole')
    assert.deepEqual(readRange('bytes=2-5', 10), { start: 2, end: 5 })
    assert.deepEqual(readRange('bytes=-20', 10), { start: 0, end: 9 })
    assert.deepEqual(readRange('bytes = 2 - 5', 10), { start: 2, end: 5 })
    assert.equal(readRange('bytes=10-', 10), 'outside')
    assert.equal(readRange('bytes=99999999999999999999-', 10), 'outside')
  })
})
