import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { E164 } from '../shared/e164.ts'
import { areaOf, loadAreas, normaliseAreaCode, provinceOf } from './area.ts'
import { readStringDocument } from './bson-strings.ts'

const area = (number: string) => areaOf(number as E164)

before(loadAreas)

test('a fixed line has the area of its code, also where the geo data folds codes together', () => {
  assert.deepEqual(area('+8675528000001'), { areaCode: '0755', province: '广东省' })
  assert.deepEqual(area('+861012345678'), { areaCode: '010', province: '北京市' })
  assert.deepEqual(area('+862028000001'), { areaCode: '020', province: '广东省' })
  assert.deepEqual(area('+8633512345678'), { areaCode: '0335', province: '河北省' })
  assert.deepEqual(area('+862412345678'), { areaCode: '024', province: '辽宁省' })
})

test('a mobile has the area of its prefix', () => {
  assert.deepEqual(area('+8613800000021'), { areaCode: '010', province: '北京市' })
  const found = new Set<string>()
  for (let prefix = 1_300_000; prefix < 1_400_000; prefix++) {
    const { areaCode = 'unknown' } = area(`+86${prefix}0000`) ?? {}
    found.add(areaCode)
  }
  for (const code of ['010', '021', '020', '0755', '0731', '0558', '0999', '0898'])
    assert.ok(found.has(code), code)
})

test('numbers of other countries and prefixes not in use have no area', () => {
  assert.equal(area('+12025550123'), undefined)
  assert.equal(area('+8619912345678'), undefined)
  assert.equal(area('+861234'), undefined)
})

test('a city code is the same with and without its 0, and has a province', () => {
  assert.equal(normaliseAreaCode('755'), '0755')
  assert.equal(normaliseAreaCode('010'), '010')
  assert.equal(provinceOf('755'), '广东省')
  assert.equal(provinceOf('0731'), '湖南省')
  assert.equal(provinceOf('0000'), undefined)
})

test('reads a BSON document of strings and refuses other and broken ones', () => {
  const document = Buffer.from('\x1d\0\0\0\x02755\0\x0a\0\0\0\xe6\xb7\xb1\xe5\x9c\xb3abc\0\0', 'latin1')
  document.writeInt32LE(document.length, 0)
  assert.deepEqual([...readStringDocument(document)], [['755', '深圳abc']])
  const otherType = Buffer.from(document)
  otherType[4] = 1
  assert.throws(() => readStringDocument(otherType), RangeError)
  const tooLong = Buffer.from(document)
  tooLong[9] = 0x7f
  assert.throws(() => readStringDocument(tooLong), RangeError)
  assert.throws(() => readStringDocument(document.subarray(0, 8)), RangeError)
})
