import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { AudioFileError, encodeG711, generateTone, toAnnouncement, writeWav } from '@maskline/media'
import type { AxbBinding, AxybPair, AxeBinding, Binding } from '../bindings/binding.ts'
import { tonesOf } from '../bindings/tones.ts'
import type { E164 } from '../shared/e164.ts'
import { silentLog } from '../shared/log.ts'
import { openStorage, type Storage } from '../storage/index.ts'
import { newApp } from '../tenants/app.ts'
import type { Convert } from './alaw-file.ts'
import { MOST_FILES, MOST_FINAL_BYTES, MOST_SOURCE_BYTES } from './announcement.ts'
import { type AnnouncementsOptions, openAnnouncements } from './announcements.ts'
import { openLibrary } from './library.ts'

const NOW = Date.UTC(2026, 1, 12, 15, 30, 20)
const app = newApp({ key: 'app-1', secret: 's', tenantId: 't1', mode: 'AXB' })
const stranger = newApp({ key: 'app-2', secret: 's', tenantId: 't2', mode: 'AXB' })

const alaw = (hz: number, seconds = 0.5): Uint8Array => encodeG711('alaw', generateTone(hz, seconds))
const alawWav = (hz: number, seconds?: number): Uint8Array =>
  writeWav({ encoding: 'alaw', samples: alaw(hz, seconds) })

const folder = mkdtempSync(path.join(tmpdir(), 'maskline-announcements-'))
after(() => rmSync(folder, { recursive: true }))

async function open(t: { after(end: () => unknown): void }, options: Partial<AnnouncementsOptions> = {}) {
  const storage = await openStorage({ dataDir: ':memory:' })
  t.after(() => storage.close())
  await storage.apps.saveApp(app)
  await storage.apps.saveApp(stranger)
  return { storage, announcements: await reopen(storage, options) }
}

const reopen = (storage: Storage, options: Partial<AnnouncementsOptions> = {}) =>
  openAnnouncements({
    store: storage.announcements,
    bindingTones: storage.bindingTones,
    apps: storage.apps,
    library: openLibrary(folder, 'en', silentLog),
    convert: toAnnouncement,
    autoApprove: false,
    clock: { now: () => NOW, setTimer: () => ({ cancel() {} }) },
    ...options,
  })

const upload = (name: string, file: Uint8Array = alawWav(440)) => ({
  tenantId: 't1',
  name,
  file,
  originalName: `original ${name}`,
  description: 'waiting tone',
  uploadedBy: 'admin',
})
const key = (name: string) => ({ tenantId: 't1', name })
const coded = (code: string, message: RegExp) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, code)
  assert.match((error as Error).message, message)
  return true
}

describe('an uploaded announcement file', () => {
  test('[ann.states] [ann.review] is reviewed first, and is heard and may be named from its approval on', async (t) => {
    const { announcements } = await open(t)
    const taken = await announcements.upload(upload('wait.wav'))
    assert.equal(taken.state, 'reviewing')
    assert.equal(announcements.exists(app, 'wait.wav'), false)
    assert.equal(announcements.find(app, 'wait.wav'), undefined)

    const approved = await announcements.review(key('wait.wav'), { state: 'approved', note: '' })
    assert.deepEqual([approved.state, approved.reviewedAt], ['approved', NOW])
    assert.equal(announcements.exists(app, 'wait.wav'), true)
    assert.deepEqual(announcements.find(app, 'wait.wav'), { encoding: 'alaw', samples: alaw(440) })
  })

  test('[ann.review-note] that is rejected says why and what to do, and is not heard', async (t) => {
    const { announcements } = await open(t)
    await announcements.upload(upload('wait.wav'))
    await announcements.review(key('wait.wav'), { state: 'approved', note: '' })
    const rejected = await announcements.review(key('wait.wav'), {
      state: 'rejected',
      note: 'too loud; lower it',
    })
    assert.deepEqual([rejected.state, rejected.reviewNote], ['rejected', 'too loud; lower it'])
    assert.equal(announcements.find(app, 'wait.wav'), undefined)
  })

  test('[ann.auto-approve] needs no review where the operator says so', async (t) => {
    const { announcements } = await open(t, { autoApprove: true })
    assert.equal((await announcements.upload(upload('wait.wav'))).state, 'approved')
    assert.ok(announcements.exists(app, 'wait.wav'))
  })

  test('[ann.scope] belongs to its account: all apps of it hear it, no other account does', async (t) => {
    const { announcements } = await open(t, { autoApprove: true })
    await announcements.upload(upload('wait.wav'))
    const sister = { ...app, key: 'app-3' }
    assert.ok(announcements.exists(sister, 'wait.wav'))
    assert.equal(announcements.exists(stranger, 'wait.wav'), false)
    assert.equal(announcements.find(undefined, 'wait.wav'), undefined)
  })

  test('wins over the operator’s file of its name, which wins over the built-in one', async (t) => {
    writeFileSync(path.join(folder, 'busy.wav'), alawWav(300))
    const { announcements } = await open(t, { autoApprove: true })
    assert.deepEqual(announcements.find(app, 'busy.wav')?.samples, alaw(300))
    await announcements.upload(upload('busy.wav', alawWav(600)))
    assert.deepEqual(announcements.find(app, 'busy.wav')?.samples, alaw(600))
    assert.deepEqual(announcements.find(stranger, 'busy.wav')?.samples, alaw(300))
    assert.ok(announcements.exists(app, 'waiting.wav'))
  })

  test('is kept over a restart, with its review', async (t) => {
    const { announcements, storage } = await open(t)
    await announcements.upload(upload('yes.wav', alawWav(500)))
    await announcements.upload(upload('no.wav'))
    await announcements.review(key('yes.wav'), { state: 'approved', note: 'fine' })
    const again = await reopen(storage)
    assert.deepEqual(again.find(app, 'yes.wav')?.samples, alaw(500))
    assert.equal(again.find(app, 'no.wav'), undefined)
    assert.deepEqual(await again.list('t1'), await announcements.list())
    assert.deepEqual(await again.list('t2'), [])
  })

  test('[ann.upload-form] keeps its description, uploader, original name, length and checksum', async (t) => {
    const { announcements } = await open(t)
    const { sha256, ...known } = await announcements.upload(upload('wait.wav', alawWav(440, 1.5)))
    assert.deepEqual(known, {
      tenantId: 't1',
      name: 'wait.wav',
      state: 'reviewing',
      description: 'waiting tone',
      reviewNote: '',
      uploadedBy: 'admin',
      uploadedAt: NOW,
      size: 44 + 12000,
      durationMs: 1500,
      originalName: 'original wait.wav',
    })
    assert.match(sha256, /^[0-9a-f]{64}$/)
    assert.deepEqual(await announcements.get(key('wait.wav')), { sha256, ...known })
  })
})

describe('what may be uploaded', () => {
  test('[ann.name] a name of digits, letters and - _ . @, at most 128 long', async (t) => {
    const { announcements } = await open(t)
    for (const name of ['wait_voice1.wav', 'a', 'A-1_b.c@d', 'x'.repeat(128)])
      assert.equal((await announcements.upload(upload(name))).name, name)
    for (const name of ['', 'x'.repeat(129), 'a b.wav', '等待.wav', '../up.wav', 'a/b.wav', 'a+b.wav'])
      await assert.rejects(announcements.upload(upload(name)), coded('ANNOUNCEMENT_NAME', /digits, letters/))
  })

  test('[ann.unique] one file of a name in an account', async (t) => {
    const { announcements } = await open(t)
    await announcements.upload(upload('wait.wav'))
    await assert.rejects(announcements.upload(upload('wait.wav')), coded('ANNOUNCEMENT_EXISTS', /replace it/))
    await announcements.upload({ ...upload('wait.wav'), tenantId: 't2' })
  })

  test('[ann.count] at most 200 files in an account; replacing one is no new one', async (t) => {
    const { announcements } = await open(t)
    const file = alawWav(440, 0.01)
    for (let n = 0; n < MOST_FILES; n++) await announcements.upload(upload(`${n}.wav`, file))
    assert.equal(MOST_FILES, 200)
    await assert.rejects(announcements.upload(upload('more.wav', file)), coded('ANNOUNCEMENTS_FULL', /200/))
    await announcements.upload(upload('7.wav', file), { replacing: true })
    assert.equal((await announcements.list('t1')).length, 200)
  })

  test('[ann.format] A-law WAV at 8 kHz, mono, is kept byte for byte', async (t) => {
    const { announcements } = await open(t, {
      autoApprove: true,
      convert: () => assert.fail('not to be converted'),
    })
    const list = Buffer.from('LIST\x04\0\0\0abcd', 'latin1')
    const plain = Buffer.from(alawWav(440))
    const file = new Uint8Array(Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36)]))
    await announcements.upload(upload('wait.wav', file))
    assert.deepEqual(await announcements.wav(key('wait.wav')), file)
    assert.deepEqual(announcements.find(app, 'wait.wav')?.samples, alaw(440))
  })

  test('[ann.convert] any other file goes through the converter, whose words are passed on', async (t) => {
    const seen: unknown[] = []
    const convert: Convert = async (file, name) => {
      seen.push(file, name)
      if (file.length === 3) throw new AudioFileError('three bytes are no sound')
      return alawWav(700)
    }
    const { announcements } = await open(t, { autoApprove: true, convert })
    const pcm = writeWav({ encoding: 'pcm16', samples: generateTone(440, 0.5) })
    const kept = await announcements.upload(upload('pcm.wav', pcm))
    assert.deepEqual(seen, [pcm, 'original pcm.wav'])
    assert.deepEqual([kept.size, kept.durationMs], [44 + 4000, 500])
    assert.deepEqual(announcements.find(app, 'pcm.wav')?.samples, alaw(700))
    const pcmAsIs = await open(t)
    assert.equal((await pcmAsIs.announcements.upload(upload('pcm.wav', pcm))).size, 44 + 4000)
    await assert.rejects(
      announcements.upload(upload('x.wav', Uint8Array.of(1, 2, 3))),
      coded('ANNOUNCEMENT_FORMAT', /three bytes are no sound/),
    )
  })

  test('a file without sound is refused', async (t) => {
    const { announcements } = await open(t)
    await assert.rejects(
      announcements.upload(upload('x.wav', writeWav({ encoding: 'alaw', samples: new Uint8Array() }))),
      coded('ANNOUNCEMENT_FORMAT', /no audio/),
    )
  })

  test('[ann.size] at most 2 MB as it is played, 6 MB as it is uploaded', async (t) => {
    const { announcements } = await open(t, { convert: () => Promise.resolve(alawWav(440)) })
    const sized = (bytes: number): Uint8Array =>
      writeWav({ encoding: 'alaw', samples: new Uint8Array(bytes - 44) })
    assert.equal(
      (await announcements.upload(upload('most.wav', sized(MOST_FINAL_BYTES)))).size,
      2 * 1024 * 1024,
    )
    await assert.rejects(
      announcements.upload(upload('more.wav', sized(MOST_FINAL_BYTES + 2))),
      coded('ANNOUNCEMENT_TOO_LARGE', /2 MB/),
    )
    await announcements.upload(upload('source.mp3', new Uint8Array(MOST_SOURCE_BYTES)))
    await assert.rejects(
      announcements.upload(upload('source2.mp3', new Uint8Array(MOST_SOURCE_BYTES + 1))),
      coded('ANNOUNCEMENT_TOO_LARGE', /6 MB/),
    )
  })

  test('an account that does not exist gets no file', async (t) => {
    const { announcements } = await open(t)
    await assert.rejects(
      announcements.upload({ ...upload('wait.wav'), tenantId: 'nobody' }),
      coded('TENANT_UNKNOWN', /nobody/),
    )
  })
})

describe('a file that is replaced or deleted', () => {
  test('[ann.replace] replacing is deleting and uploading: the new one is reviewed, running calls keep the old audio', async (t) => {
    const { announcements } = await open(t)
    await announcements.upload(upload('wait.wav'))
    await announcements.review(key('wait.wav'), { state: 'approved', note: '' })
    const inCall = announcements.find(app, 'wait.wav')!
    const replaced = await announcements.upload(upload('wait.wav', alawWav(800)), { replacing: true })
    assert.equal(replaced.state, 'reviewing')
    assert.equal(announcements.find(app, 'wait.wav'), undefined)
    await announcements.review(key('wait.wav'), { state: 'approved', note: '' })
    assert.deepEqual(announcements.find(app, 'wait.wav')?.samples, alaw(800))
    assert.deepEqual(inCall.samples, alaw(440))
  })

  test('[ann.delete] is not heard any more, and counts as not set', async (t) => {
    const { announcements } = await open(t, { autoApprove: true })
    await announcements.upload(upload('wait.wav'))
    await announcements.remove(key('wait.wav'))
    assert.equal(announcements.find(app, 'wait.wav'), undefined)
    assert.equal(announcements.exists(app, 'wait.wav'), false)
    for (const gone of [
      () => announcements.remove(key('wait.wav')),
      () => announcements.get(key('wait.wav')),
      () => announcements.wav(key('wait.wav')),
      () => announcements.uses(key('wait.wav')),
      () => announcements.review(key('wait.wav'), { state: 'approved', note: '' }),
    ])
      await assert.rejects(gone(), coded('ANNOUNCEMENT_UNKNOWN', /t1 has no announcement file wait\.wav/))
  })

  test('[ann.uses] tells which apps name it, and how many bindings', async (t) => {
    const { announcements, storage } = await open(t, { autoApprove: true })
    await announcements.upload(upload('wait.wav'))
    assert.deepEqual(await announcements.uses(key('wait.wav')), { apps: [], bindings: 0 })

    const axe = newApp({ key: 'app-axe', secret: 's', tenantId: 't1', mode: 'AXE', name: 'taxi' })
    await storage.apps.saveApp({ ...axe, noBindingTone: 'wait.wav', axe: { waitingTone: 'wait.wav' } })
    await storage.apps.saveApp({ ...stranger, noBindingTone: 'wait.wav' })
    const x = (n: number) => `+861700000000${n}` as E164
    await storage.numbers.save(
      [1, 2].map((n) => ({
        number: x(n),
        appKey: n === 1 ? app.key : stranger.key,
        areaCode: '0755',
        province: '',
        status: 'normal',
        smsCapable: false,
      })),
    )
    for (let n = 0; n < 1200; n++)
      await storage.bindings.insert(
        axb(n, x(1), n % 3 === 0 ? { recordHintTone: 'wait.wav' } : {}),
        { capacity: 5000 },
        NOW,
      )
    await storage.bindings.insert(
      axb(1200, x(1), { lastMinVoice: 'wait.wav', expiresAt: NOW - 1 }),
      { capacity: 5000 },
      NOW - 1000,
    )
    await storage.bindings.insert(
      { ...axb(1201, x(2), { recordHintTone: 'wait.wav' }), appKey: stranger.key },
      { capacity: 5000 },
      NOW,
    )
    assert.deepEqual(await announcements.uses(key('wait.wav')), {
      apps: [{ key: 'app-axe', name: 'taxi', settings: ['noBindingTone', 'axe.waitingTone'] }],
      bindings: 400,
    })
  })
})

const axb = (n: number, x: E164, tones: Partial<AxbBinding>): AxbBinding => ({
  mode: 'AXB',
  id: `1d39eaef-0000-4000-8000-${String(n).padStart(12, '0')}`,
  appKey: app.key,
  x,
  a: `+86138${String(2 * n).padStart(8, '0')}` as E164,
  b: `+86138${String(2 * n + 1).padStart(8, '0')}` as E164,
  callDirection: 0,
  durationSec: 0,
  maxDurationMin: 0,
  recordFlag: false,
  privateSms: false,
  changedAt: NOW,
  ...tones,
})

test('[ann.parameters] the tones of a binding are all files that its parameters name', () => {
  const common = axb(1, '+8617000000001' as E164, { recordHintTone: 'r' })
  const cases: readonly (readonly [Partial<Binding> & Pick<Binding, 'mode'>, readonly string[]])[] = [
    [
      { mode: 'AX', lastMinVoice: 'l', preVoice: { callerHintTone: 'a', calleeHintTone: 'b' } },
      ['r', 'l', 'a', 'b'],
    ],
    [{ mode: 'AXB', lastMinVoice: '', preVoice: { calleeHintTone: 'b' } }, ['r', 'b']],
    [{ mode: 'AXE', callbackTone: 'c' } as Partial<AxeBinding> & { mode: 'AXE' }, ['r', 'c']],
    [{ mode: 'AXYB', preVoiceX: 'x' }, ['r', 'x']],
    [
      { mode: 'AXYB-PAIR', preVoiceX: 'x', preVoiceY: 'y' } as Partial<AxybPair> & { mode: 'AXYB-PAIR' },
      ['r', 'x', 'y'],
    ],
  ]
  for (const [part, tones] of cases) assert.deepEqual(tonesOf({ ...common, ...part } as Binding), tones)
})
