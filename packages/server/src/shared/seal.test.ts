import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSealer } from './seal.ts'

const sealer = createSealer(Buffer.alloc(64, 7))
const number = '+8613800000021'

test('equal numbers have equal seals, different ones different, and a seal opens to its number', () => {
  assert.equal(sealer.sealNumber(number), sealer.sealNumber(number))
  assert.notEqual(sealer.sealNumber(number), sealer.sealNumber('+8613800000022'))
  assert.equal(sealer.openNumber(sealer.sealNumber(number)), number)
})

test('seals survive a restart: the same key seals and opens the same', () => {
  const again = createSealer(Buffer.alloc(64, 7))
  assert.equal(again.sealNumber(number), sealer.sealNumber(number))
  assert.equal(again.openText(sealer.sealText('隐私 text', 'push'), 'push'), '隐私 text')
})

test('a seal shows nothing of the number and is printable', () => {
  const sealed = sealer.sealNumber(number)
  assert.match(sealed, /^a\.[\w-]{40}$/)
  assert.ok(!sealed.includes('138'))
})

test('a text sealed as one kind does not open as another, nor as a number', () => {
  const sealed = sealer.sealText(number, 'secret')
  assert.throws(() => sealer.openText(sealed, 'push'), { code: 'SEAL_BROKEN' })
  assert.throws(() => sealer.openNumber(sealed), { code: 'SEAL_BROKEN' })
})

test('another key, an unknown key version and a key of the wrong size are told apart', () => {
  const other = createSealer(Buffer.alloc(64, 8))
  assert.throws(() => other.openNumber(sealer.sealNumber(number)), { code: 'SEAL_BROKEN' })
  assert.throws(() => sealer.openNumber('b.AAAA'), { code: 'SEAL_KEY_UNKNOWN' })
  assert.throws(() => createSealer(Buffer.alloc(32)), { code: 'SEAL_KEY_INVALID' })
})
