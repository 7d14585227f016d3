import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { aessiv } from '@noble/ciphers/aes.js'
import { createAesSiv } from './aes-siv.ts'

const bytes = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex')

test('seals and opens the deterministic example of RFC 5297 A.1', () => {
  const siv = createAesSiv(bytes('fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff'))
  const domain = siv.domain(bytes('10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627'))
  const text = bytes('11223344 55667788 99aabbcc ddee')
  const sealed = bytes('85632d07 c6e8f37f 950acd32 0a2ecc93 40c02b96 90c4dc04 daef7f6a fe5c')
  assert.deepEqual(siv.seal(text, domain), sealed)
  assert.deepEqual(siv.open(sealed, domain), text)
})

test('seals and opens the example of RFC 5297 A.2 with several data and a text longer than a block', () => {
  const siv = createAesSiv(bytes('7f7e7d7c 7b7a7978 77767574 73727170 40414243 44454647 48494a4b 4c4d4e4f'))
  const domain = siv.domain(
    bytes('00112233 44556677 8899aabb ccddeeff deaddada deaddada ffeeddcc bbaa9988 77665544 33221100'),
    bytes('10203040 50607080 90a0'),
    bytes('09f91102 9d74e35b d84156c5 635688c0'),
  )
  const text = bytes(
    '74686973 20697320 736f6d65 20706c61 696e7465 78742074 6f20656e 63727970 74207573 696e6720 5349562d 414553',
  )
  const sealed = bytes(
    `7bdb6e3b 432667eb 06f4d14b ff2fbd0f cb900f2f ddbe4043 26601965 c889bf17 dba77ceb 094fa663 b7a3f748 ba8af829
     ea64ad54 4a272e9c 485b62a3 fd5c0d`,
  )
  assert.deepEqual(siv.seal(text, domain), sealed)
  assert.deepEqual(siv.open(sealed, domain), text)
})

test('gives the bytes of an independent implementation for every length up to 100, on one long-lived key', () => {
  const key = randomBytes(64)
  const siv = createAesSiv(key)
  for (let length = 0; length <= 100; length++) {
    const text = randomBytes(length)
    const name = 'domain'.repeat(length % 7)
    const expected = Buffer.from(aessiv(key, Buffer.from(name)).encrypt(text))
    assert.deepEqual(siv.seal(text, siv.domain(name)), expected, `length ${length}`)
    assert.deepEqual(siv.open(expected, siv.domain(name)), text, `length ${length}`)
  }
})

test('refuses every sealed text with one bit changed, and goes on working', () => {
  const siv = createAesSiv(randomBytes(64))
  const domain = siv.domain('number')
  const text = Buffer.from('+8613800000021')
  const sealed = siv.seal(text, domain)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.throws(() => siv.open(changed, domain), { code: 'SEAL_BROKEN' })
  }
  assert.throws(() => siv.open(sealed.subarray(0, 15), domain), { code: 'SEAL_BROKEN' })
  assert.deepEqual(siv.open(sealed, domain), text)
})
