import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { RecordingEntry } from '../recordings/ports.ts'
import { eachEngine } from '../testkit/engines.ts'
import type { Storage } from './index.ts'

const entry = (n: number, changes: Partial<RecordingEntry> = {}): RecordingEntry => ({
  object: `2602121530${String(n).padStart(13, '0')}.wav`,
  bucket: 'sp-demokey',
  domain: 'rec.example',
  appKey: 'demoKey',
  sessionId: `1200_1_${n}_20260212153020@maskline.local`,
  startedAt: 1_770_910_220_000,
  keptUntil: 1_771_515_020_000 + n,
  bytes: 5_000_000_000,
  durationMs: 60_000,
  ...changes,
})

const names = (entries: readonly RecordingEntry[]) => entries.map(({ object }) => object)

eachEngine(({ open }) => {
  let storage: Storage
  before(async () => void (storage = await open()))
  after(() => storage.close())

  it('gives an entry back as it was added, and keeps the first of a name', async () => {
    const { recordings } = storage
    await recordings.add(entry(1))
    await recordings.add(entry(1, { bytes: 1 }))
    assert.deepEqual(await recordings.find(entry(1).object), entry(1))
    assert.equal(await recordings.find('none.wav'), undefined)
    await recordings.markStored(entry(1).object, 7)
    await recordings.markDeleted(entry(1).object, 8)
    assert.deepEqual(await recordings.find(entry(1).object), entry(1, { storedAt: 7, deletedAt: 8 }))
  })

  it('lists what waits for the store in pages', async () => {
    const { recordings } = storage
    for (const n of [12, 10, 11]) await recordings.add(entry(n))
    await recordings.add(entry(13, { storedAt: 1 }))
    const first = await recordings.waiting('', 2)
    assert.deepEqual(names(first), names([entry(10), entry(11)]))
    assert.deepEqual(names(await recordings.waiting(first[1]!.object, 2)), names([entry(12)]))
    await recordings.markDeleted(entry(12).object, 1)
    assert.deepEqual(await recordings.waiting(first[1]!.object, 2), [])
  })

  it('lists what is over in pages, entries of one instant too', async () => {
    const { recordings } = storage
    const over = [20, 21, 22].map((n) => entry(n, { keptUntil: 100 }))
    for (const each of [...over, entry(23, { keptUntil: 99 }), entry(24, { keptUntil: 101 })])
      await recordings.add(each)
    const first = await recordings.expired(100, undefined, 2)
    assert.deepEqual(names(first), names([entry(23), entry(20)]))
    assert.deepEqual(names(await recordings.expired(100, first[1], 2)), names([entry(21), entry(22)]))
    assert.deepEqual(await recordings.expired(100, entry(22, { keptUntil: 100 }), 2), [])
    await recordings.markDeleted(entry(23).object, 100)
    assert.deepEqual(names(await recordings.expired(100, undefined, 1)), names([entry(20)]))
  })

  it('forgets what was deleted before an instant, a batch at a time', async () => {
    const { recordings } = storage
    for (const n of [30, 31, 32]) {
      await recordings.add(entry(n))
      await recordings.markDeleted(entry(n).object, 1_000 + n)
    }
    await recordings.forgetDeletedBefore(1_000, 100)
    assert.equal(await recordings.forgetDeletedBefore(1_032, 1), 1)
    assert.equal(await recordings.forgetDeletedBefore(1_032, 100), 1)
    assert.equal(await recordings.find(entry(31).object), undefined)
    assert.ok(await recordings.find(entry(32).object))
  })
})
