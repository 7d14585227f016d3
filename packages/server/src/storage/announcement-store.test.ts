import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Announcement } from '../announcements/announcement.ts'
import { eachEngine } from '../testkit/engines.ts'
import { testApp, testBinding, testX } from './contract.test-suite.ts'
import type { Storage } from './open-storage.ts'

const announcement = (name: string, changes: Partial<Announcement> = {}): Announcement => ({
  tenantId: 't1',
  name,
  state: 'reviewing',
  description: '等待音',
  reviewNote: '',
  uploadedBy: 'admin',
  uploadedAt: 1_770_000_000_000,
  sha256: 'ab'.repeat(32),
  size: 3,
  durationMs: 0,
  originalName: 'wait.wav',
  ...changes,
})
const key = (name: string) => ({ tenantId: 't1', name })

eachEngine(({ open }) => {
  let storage: Storage
  before(async () => {
    storage = await open()
    await storage.apps.saveApp(testApp)
  })
  after(() => storage.close())

  test('announcement files are kept with their audio, reviewed, replaced and removed', async () => {
    const { announcements } = storage
    const once = { replacing: false, most: 2 }
    const bytes = Uint8Array.from({ length: 2 * 1024 * 1024 }, (_, n) => (n * 7) & 0xff)
    assert.equal(await announcements.insert(announcement('b.wav'), bytes, once), 'inserted')
    assert.equal(await announcements.insert(announcement('b.wav'), bytes, once), 'name-taken')
    assert.equal(await announcements.insert(announcement('a.wav'), Uint8Array.of(1), once), 'inserted')
    assert.equal(await announcements.insert(announcement('c.wav'), bytes, once), 'account-full')
    assert.deepEqual(await announcements.audio(key('b.wav')), bytes)
    assert.deepEqual(await announcements.list('t1'), [announcement('a.wav'), announcement('b.wav')])
    assert.deepEqual(await announcements.list('t2'), [])

    assert.ok(await announcements.review(key('b.wav'), { state: 'rejected', note: '太吵', at: 5 }))
    const reviewed = announcement('b.wav', { state: 'rejected', reviewNote: '太吵', reviewedAt: 5 })
    assert.deepEqual(await announcements.find(key('b.wav')), reviewed)

    const replacing = { replacing: true, most: 2 }
    assert.equal(await announcements.insert(announcement('b.wav'), Uint8Array.of(9), replacing), 'inserted')
    assert.deepEqual(await announcements.find(key('b.wav')), announcement('b.wav'))
    assert.deepEqual(await announcements.audio(key('b.wav')), Uint8Array.of(9))

    assert.ok(await announcements.remove(key('b.wav')))
    assert.equal(await announcements.remove(key('b.wav')), false)
    assert.equal(await announcements.review(key('b.wav'), { state: 'approved', note: '', at: 6 }), false)
    assert.equal(await announcements.audio(key('b.wav')), undefined)
    assert.deepEqual(await announcements.list(), [announcement('a.wav')])
  })

  test('of files that come at once no more are taken than an account may have', async () => {
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        storage.announcements.insert(announcement(`at-once-${n}`), Uint8Array.of(n), {
          replacing: false,
          most: 3,
        }),
      ),
    )
    const before = (await storage.announcements.list()).filter(
      ({ name }) => !name.startsWith('at-once'),
    ).length
    assert.equal(outcomes.filter((outcome) => outcome === 'inserted').length, 3 - before)
  })

  test('bindings that name a file are counted, but for the dead ones', async () => {
    await storage.numbers.save([testX(1)])
    const tones = [{ recordHintTone: 'a.wav' }, { lastMinVoice: 'a.wav' }, { lastMinVoice: 'b.wav' }]
    for (const [n, tone] of tones.entries())
      await storage.bindings.insert(testBinding(n + 1, tone), { capacity: 9 }, 1000)
    await storage.bindings.insert(
      testBinding(9, { recordHintTone: 'a.wav', expiresAt: 2000 }),
      { capacity: 9 },
      1000,
    )
    assert.equal(await storage.bindingTones.count(testApp.key, 'a.wav', 1999), 3)
    assert.equal(await storage.bindingTones.count(testApp.key, 'a.wav', 2000), 2)
    assert.equal(await storage.bindingTones.count('another', 'a.wav', 1000), 0)
  })
})
