import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { codingOf, dataCodingOf, decode, encode, type Coding } from './coding.ts'
import { concatUdh, readUdh, type ConcatHeader } from './concat.ts'
import { fitsGsm7 } from './gsm7.ts'
import { headers, texts } from '../testkit/texts.ts'
import { joinParts, splitText, type TextPart } from './split.ts'

/** Lengths of the parts in septets or UTF-16 units. */
const lengths = (parts: readonly TextPart[]) =>
  parts.map(({ coding, userData }) => (coding === 'ucs2' ? userData.length / 2 : userData.length))

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('codings', () => {
  it('writes GSM 03.38 one septet a byte, the extension with an escape', () => {
    assert.equal(hex(encode('@Hi_Ω', 'gsm7')), '0048691115')
    assert.equal(hex(encode('€[a]', 'gsm7')), '1b651b3c611b3e')
    assert.equal(decode(Buffer.from('001b651b3c611b3e', 'hex'), 'gsm7'), '@€[a]')
  })

  it('has every character of GSM 03.38 both ways', () => {
    const every = Uint8Array.from(Array.from({ length: 128 }, (_, i) => i).filter((code) => code !== 0x1b))
    assert.equal(new Set(decode(every, 'gsm7')).size, 127)
    assert.deepEqual(encode(decode(every, 'gsm7'), 'gsm7'), every)
  })

  it('shows the basic character after an escape without meaning, a space for a lone escape, U+FFFD for no septet', () => {
    assert.equal(decode(Uint8Array.of(0x1b, 0x41, 0x1b, 0x1b, 0x42, 0x1b), 'gsm7'), 'A B ')
    assert.equal(decode(Uint8Array.of(0xe9, 0x41), 'gsm7'), '\ufffdA')
  })

  it('writes ? for what a coding lacks', () => {
    assert.equal(decode(encode('a你😀b', 'gsm7'), 'gsm7'), 'a??b')
    assert.equal(decode(encode('é你😀b', 'latin1'), 'latin1'), 'é??b')
  })

  it('writes UCS-2 as UTF-16BE with surrogates, and leaves an odd last byte out', () => {
    assert.equal(hex(encode('你😀', 'ucs2')), '4f60d83dde00')
    assert.equal(decode(Buffer.from('4f60d83dde0041', 'hex'), 'ucs2'), '你😀')
  })

  const readings: readonly (readonly [number, Coding])[] = [
    [0x00, 'gsm7'],
    [0x01, 'latin1'],
    [0x02, 'binary'],
    [0x03, 'latin1'],
    [0x04, 'binary'],
    [0x06, 'binary'],
    [0x08, 'ucs2'],
    [0x10, 'gsm7'],
    [0x15, 'binary'],
    [0x18, 'ucs2'],
    [0x20, 'binary'],
    [0xc8, 'gsm7'],
    [0xe8, 'ucs2'],
    [0xf0, 'gsm7'],
    [0xf5, 'binary'],
  ]
  for (const [dataCoding, coding] of readings) {
    it(`reads data_coding ${dataCoding} as ${coding}`, () => assert.equal(codingOf(dataCoding), coding))
  }

  it('reads data_coding 0 as the default alphabet of the SMSC', () => {
    assert.equal(codingOf(0, 'latin1'), 'latin1')
    for (const coding of ['gsm7', 'latin1', 'ucs2', 'binary'] as const) {
      assert.equal(codingOf(dataCodingOf(coding)), coding)
    }
  })
})

describe('user data headers', () => {
  it('reads what it writes', () => {
    for (const header of ['udh8', 'udh16'] as const) {
      const concat = { reference: 0xb7, total: 3, index: 2, header }
      const bytes = Buffer.concat([concatUdh(concat)!, Buffer.from('text')])
      assert.deepEqual(readUdh(bytes), { userData: bytes.subarray(-4), concat })
    }
    assert.equal(concatUdh({ reference: 1, total: 2, index: 1, header: 'sar' }), undefined)
  })

  it('finds the element among others', () => {
    const bytes = Buffer.from('0b' + '05040b8423f0' + '0003b70302' + '41', 'hex')
    assert.deepEqual(readUdh(bytes).concat, { reference: 0xb7, total: 3, index: 2, header: 'udh8' })
    assert.equal(hex(readUdh(bytes).userData), '41')
  })

  const senseless = {
    'index 0': '050003b70300',
    'index above total': '050003b70304',
    'total 0': '050003b70000',
    'wrong length of the element': '040002b703',
    'element longer than the header': '050009b70301',
  }
  for (const [name, header] of Object.entries(senseless)) {
    it(`passes over an element with ${name}`, () => {
      assert.deepEqual(readUdh(Buffer.from(header + '41', 'hex')), { userData: Buffer.from('A') })
    })
  }

  it('takes everything as user data when the header is longer than that', () => {
    assert.deepEqual(readUdh(Buffer.from('0941', 'hex')), { userData: Buffer.from('0941', 'hex') })
    assert.deepEqual(readUdh(new Uint8Array()), { userData: new Uint8Array() })
  })

  it('ends on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60, size: 'max' }), (bytes) => {
        const { userData, concat } = readUdh(bytes)
        return userData.length <= bytes.length && (concat === undefined || concat.index <= concat.total)
      }),
    )
  })
})

describe('splitting', () => {
  const cases: readonly (readonly [string, string, ConcatHeader, readonly number[]])[] = [
    ['160 septets in one', 'a'.repeat(160), 'udh8', [160]],
    ['161 septets', 'a'.repeat(161), 'udh8', [153, 8]],
    ['161 septets with 16-bit references', 'a'.repeat(161), 'udh16', [152, 9]],
    ['161 septets with SAR', 'a'.repeat(161), 'sar', [152, 9]],
    ['80 extended characters in one', '€'.repeat(80), 'udh8', [160]],
    ['81 extended characters, never cutting a pair', '€'.repeat(81), 'udh8', [152, 10]],
    ['70 Chinese characters in one', '你'.repeat(70), 'udh8', [70]],
    ['71 Chinese characters', '你'.repeat(71), 'udh8', [67, 4]],
    ['71 Chinese characters with 16-bit references', '你'.repeat(71), 'udh16', [66, 5]],
    ['35 emoji in one', '😀'.repeat(35), 'udh8', [70]],
    ['36 emoji, never cutting a pair', '😀'.repeat(36), 'udh8', [66, 6]],
    ['nothing as one empty part', '', 'udh8', [0]],
  ]
  for (const [name, text, header, expected] of cases) {
    it(`takes ${name}`, () => {
      const parts = splitText(text, { reference: 0x1b7, header })
      assert.deepEqual(lengths(parts), expected)
      assert.equal(joinParts(parts), text)
      const reference = header === 'udh8' ? 0xb7 : 0x1b7
      for (const [i, { concat }] of parts.entries()) {
        const whole = { reference, total: parts.length, index: i + 1, header }
        assert.deepEqual(concat, parts.length === 1 ? undefined : whole)
      }
    })
  }

  it('refuses what needs more than 255 parts', () => {
    assert.equal(splitText('a'.repeat(153 * 255), { reference: 1 }).length, 255)
    assert.throws(() => splitText('a'.repeat(153 * 255 + 1), { reference: 1 }), RangeError)
  })

  it('joins parts in any order, once each', () => {
    const parts = splitText('一'.repeat(100) + '二'.repeat(100), { reference: 9 })
    assert.equal(joinParts([...parts.toReversed(), parts[1]!]), '一'.repeat(100) + '二'.repeat(100))
  })

  it('joins surrogates and escapes that another sender cut, and parts of several codings', () => {
    const part = (coding: Coding, bytes: string, index: number): TextPart => ({
      userData: Buffer.from(bytes, 'hex'),
      coding,
      concat: { reference: 1, total: 3, index },
    })
    assert.equal(joinParts([part('ucs2', '4f60d83d', 1), part('ucs2', 'de00', 2)]), '你😀')
    assert.equal(joinParts([part('gsm7', '411b', 1), part('gsm7', '6542', 2)]), 'A€B')
    assert.equal(joinParts([part('gsm7', '41', 1), part('ucs2', '4f60', 2), part('gsm7', '00', 3)]), 'A你@')
  })

  it('gives back any text', () => {
    fc.assert(
      fc.property(texts, headers, (text, header) => {
        const parts = splitText(text, { reference: 7, header })
        const room = parts.length === 1 ? [160, 70] : header === 'udh8' ? [153, 67] : [152, 66]
        for (const size of lengths(parts)) assert.ok(size <= (fitsGsm7(text) ? room[0]! : room[1]!))
        assert.equal(joinParts(parts), text)
      }),
    )
  })
})
