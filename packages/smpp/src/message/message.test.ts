import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodePdu, encodePdu } from '../pdu/codec.ts'
import type { MessageBody } from '../pdu/pdu.ts'
import { headers, texts } from '../testkit/texts.ts'
import { joinParts, splitText, type TextPart } from '../text/split.ts'
import { readAddress, writeAddress, type Address, type AddressRules, type NumberForm } from './addresses.ts'
import {
  isFinalState,
  isReceipt,
  normalizeMessageId,
  readReceipt,
  receiptBody,
  type Receipt,
} from './receipt.ts'
import { readUserData, writeUserData } from './user-data.ts'

const header = {
  source_addr_ton: 1,
  source_addr_npi: 1,
  source_addr: '8613800000021',
  dest_addr_ton: 1,
  dest_addr_npi: 1,
  destination_addr: '8617000000001',
  registered_delivery: 0,
}

/** Over the wire, as bytes. */
function carried(body: MessageBody): MessageBody {
  const decoded = decodePdu(encodePdu('deliver_sm', 1, body))
  assert.ok(decoded.kind === 'pdu' && decoded.pdu.command === 'deliver_sm')
  return decoded.pdu.body
}

const carriedPart = (part: TextPart) => readUserData(carried({ ...header, ...writeUserData(part) }))

describe('user data', () => {
  it('gives back any text: split, carried as PDUs, shuffled, joined', () => {
    const shuffled = fc.tuple(texts, headers, fc.nat(0xffff)).chain(([text, form, reference]) => {
      const parts = splitText(text, { reference, header: form })
      return fc.tuple(
        fc.constant(text),
        fc.constant(parts),
        fc.shuffledSubarray([...parts], { minLength: parts.length }),
      )
    })
    fc.assert(
      fc.property(shuffled, ([text, parts, order]) => {
        for (const part of parts)
          assert.deepEqual(carriedPart(part), { ...part, userData: new Uint8Array(part.userData) })
        assert.equal(joinParts(order.map(carriedPart)), text)
      }),
      { numRuns: 300 },
    )
  })

  it('puts long data into message_payload, with its header', () => {
    const concat = { reference: 7, total: 2, index: 1, header: 'udh8' } as const
    for (const length of [248, 249, 2000]) {
      const body = writeUserData({ userData: Buffer.alloc(length, 0x41), coding: 'latin1', concat })
      assert.equal(body.message_payload?.length, length > 248 ? length + 6 : undefined)
      assert.equal(body.data_coding, 3)
      assert.deepEqual(
        carriedPart({ userData: new Uint8Array(length), coding: 'latin1', concat }).concat,
        concat,
      )
    }
  })

  it('sets the header bit of esm_class for a header only', () => {
    const part: TextPart = { userData: Buffer.from('a'), coding: 'gsm7' }
    const concat = { reference: 7, total: 2, index: 1 }
    assert.equal(writeUserData(part).esm_class, 0)
    assert.equal(writeUserData({ ...part, concat }).esm_class, 0x40)
    const sar = writeUserData({ ...part, concat: { ...concat, header: 'sar' } })
    assert.deepEqual(
      [sar.esm_class, sar.sar_msg_ref_num, sar.sar_total_segments, sar.sar_segment_seqnum],
      [0, 7, 2, 1],
    )
  })

  const national = (elements: string, septets: string, data_coding = 0) =>
    readUserData(
      carried({
        ...header,
        esm_class: 0x40,
        data_coding,
        short_message: Buffer.from(
          `${(elements.length / 2).toString(16).padStart(2, '0')}${elements}${septets}`,
          'hex',
        ),
      }),
    )
  const LANGUAGES: readonly (readonly [what: string, elements: string, septets: string, text: string])[] = [
    [
      'Turkish, both tables',
      '240101250101',
      '04070b0c1c1d406041' + '1b471b491b531b631b651b671b691b731b28',
      '€ıĞğŞşİçA' + 'ĞİŞç€ğış{',
    ],
    ['Turkish behind the default alphabet', '240101', '0407' + '1b731b69', 'èì' + 'şı'],
    ['Spanish', '240102', '4105' + '1b411b491b4f1b551b611b691b6f1b751b091b65', 'Aé' + 'ÁÍÓÚáíóúç€'],
    [
      'Portuguese, both tables',
      '240103250103',
      '0406070809' +
        '0b0c0e0f1213141516171819' +
        '1a1c1d1e24405b5c5d607b7c7d' +
        '1b051b121b1f1b411b5b1b5c1b611b7b1b7c1b7f',
      'êúíóç' + 'ÔôÁáªÇÀ∞^\\€Ó' + '|ÂâÊºÍÃÕÚ~ãõ`' + 'êΦÊÀÃÕÂãõâ',
    ],
    ['a language without tables here, locking', '250106', '416220', '\ufffd\ufffd\ufffd'],
    ['a language without tables here, single shift', '240106', '41' + '1b62' + '42', 'A\ufffdB'],
    ['no language at all', '2400' + '2502' + '0101', '041b73', 'ès'],
  ]
  for (const [what, elements, septets, text] of LANGUAGES)
    it(`reads the tables of a national language: ${what}`, () =>
      assert.equal(joinParts([national(elements, septets)]), text))

  it('reads national tables in each part of a long text, and in septets only', () => {
    const parts = [1, 2].map((index) => national(`000307020${index}` + '250101', '1d1d1d'))
    assert.deepEqual(parts[1]?.concat, { reference: 7, total: 2, index: 2, header: 'udh8' })
    assert.equal(joinParts(parts), 'ş'.repeat(6))
    assert.equal(joinParts([national('250101', '0041', 8)]), 'A')
  })

  it('reads no header where the bit is not set, and passes over SAR parameters that make no sense', () => {
    const bytes = Buffer.from('050003b7030141', 'hex')
    const body = { esm_class: 0, data_coding: 4, short_message: bytes }
    assert.deepEqual(readUserData(body), { userData: new Uint8Array(bytes), coding: 'binary' })
    for (const [total, index] of [
      [1, 1],
      [2, 0],
      [2, 3],
      [300, 1],
    ]) {
      const sar = { sar_msg_ref_num: 1, sar_total_segments: total!, sar_segment_seqnum: index! }
      assert.equal(readUserData({ ...body, ...sar }).concat, undefined)
    }
    assert.equal(readUserData({ ...body, sar_msg_ref_num: 1, sar_total_segments: 2 }).concat, undefined)
  })

  it('gives the only part of a message no place in one', () => {
    const only = { userData: Buffer.from('a'), coding: 'gsm7' } as const
    for (const header of ['udh8', 'udh16', 'sar'] as const) {
      const got = carriedPart({ ...only, concat: { reference: 7, total: 1, index: 1, header } })
      assert.deepEqual(got, { ...only, userData: new Uint8Array(only.userData) })
    }
  })

  it('reads data_coding 0 as the default alphabet of the SMSC', () => {
    const body = { esm_class: 0, data_coding: 0, short_message: Buffer.from([0xe9]) }
    assert.equal(readUserData(body, 'latin1').coding, 'latin1')
    assert.equal(readUserData(body).coding, 'gsm7')
  })
})

describe('addresses', () => {
  const written: readonly (readonly [string, NumberForm, Address | undefined])[] = [
    ['+8613800000021', 'international', { ton: 1, npi: 1, digits: '8613800000021' }],
    ['+8613800000021', 'plus', { ton: 1, npi: 1, digits: '+8613800000021' }],
    ['+8613800000021', 'national', { ton: 2, npi: 1, digits: '13800000021' }],
    ['+8613800000021', 'bare', { ton: 0, npi: 0, digits: '8613800000021' }],
    ['+12025550123', 'national', { ton: 1, npi: 1, digits: '12025550123' }],
    ['10690000', 'international', { ton: 6, npi: 1, digits: '10690000' }],
    ['106900001', 'international', { ton: 0, npi: 1, digits: '106900001' }],
    ['Maskline', 'international', { ton: 5, npi: 0, digits: 'Maskline' }],
    ['', 'international', undefined],
    ['张三', 'international', undefined],
    ['+86\u0000138', 'international', undefined],
    ['+123456789012345678901', 'plus', undefined],
  ]
  for (const [number, form, address] of written) {
    it(`writes ${JSON.stringify(number)} ${form}`, () =>
      assert.deepEqual(writeAddress(number, form, '86'), address))
  }

  it('writes a national number only where the country code is known', () => {
    assert.deepEqual(writeAddress('+8613800000021', 'national'), { ton: 1, npi: 1, digits: '8613800000021' })
  })

  const read: readonly (readonly [Address, AddressRules, string])[] = [
    [{ ton: 1, npi: 1, digits: '8613800000021' }, {}, '+8613800000021'],
    [{ ton: 1, npi: 1, digits: '+8613800000021' }, {}, '+8613800000021'],
    [{ ton: 1, npi: 1, digits: '008613800000021' }, {}, '+8613800000021'],
    [{ ton: 2, npi: 1, digits: '13800000021' }, { countryCode: '86' }, '+8613800000021'],
    [{ ton: 2, npi: 1, digits: '02100000021' }, { countryCode: '86' }, '+862100000021'],
    [{ ton: 2, npi: 1, digits: '13800000021' }, {}, '13800000021'],
    [{ ton: 0, npi: 1, digits: '8613800000021' }, {}, '8613800000021'],
    [{ ton: 0, npi: 1, digits: '+8613800000021' }, {}, '+8613800000021'],
    [{ ton: 0, npi: 1, digits: '8613800000021' }, { unknown: 'international' }, '+8613800000021'],
    [{ ton: 0, npi: 1, digits: '13800000021' }, { unknown: 'national', countryCode: '86' }, '+8613800000021'],
    [{ ton: 6, npi: 1, digits: '10690000' }, { unknown: 'international' }, '10690000'],
    [{ ton: 1, npi: 1, digits: 'Maskline' }, {}, 'Maskline'],
  ]
  for (const [address, rules, number] of read) {
    it(`reads ${address.digits} of type ${address.ton} as ${number} with ${JSON.stringify(rules)}`, () =>
      assert.equal(readAddress(address, rules), number))
  }
})

describe('receipts', () => {
  const text = (short_message: string, more: Partial<MessageBody> = {}): MessageBody => ({
    ...header,
    esm_class: 4,
    data_coding: 0,
    short_message: Buffer.from(short_message, 'latin1'),
    ...more,
  })
  const TAIL = 'sub:001 dlvrd:001 submit date:2401240906 done date:2401240907'

  const cases: Readonly<Record<string, readonly [MessageBody, Receipt | undefined]>> = {
    'the text of Appendix B': [
      text(`id:0123456789 ${TAIL} stat:DELIVRD err:000 text:hello`),
      { messageId: '0123456789', state: 'delivered' },
    ],
    'an error': [
      text(`id:a-1 ${TAIL} stat:UNDELIV err:12b text:id:7 stat:DELIVRD`),
      { messageId: 'a-1', state: 'undeliverable', error: '12b' },
    ],
    'other case and order': [
      text('Stat:expired Err:001 ID:77'),
      { messageId: '77', state: 'expired', error: '001' },
    ],
    'a word of its own': [text('id:77 stat:FAILED'), { messageId: '77', state: 'unknown' }],
    'no state': [text('id:77'), { messageId: '77', state: 'unknown' }],
    'parameters alone': [
      text('', { receipted_message_id: '77', message_state: 2 }),
      { messageId: '77', state: 'delivered' },
    ],
    'parameters above the text': [
      text('id:1 stat:DELIVRD err:000', {
        receipted_message_id: '77',
        message_state: 8,
        network_error_code: Buffer.from('030022', 'hex'),
      }),
      { messageId: '77', state: 'rejected', error: '34' },
    ],
    'the text in message_payload': [
      text('', { message_payload: Buffer.from('id:77 stat:ACCEPTD') }),
      { messageId: '77', state: 'accepted' },
    ],
    'no id': [text('stat:DELIVRD submitid:7'), undefined],
    nothing: [text(''), undefined],
  }
  for (const [name, [body, receipt]] of Object.entries(cases)) {
    it(`reads ${name}`, () => {
      assert.ok(isReceipt(body))
      assert.deepEqual(readReceipt(body), receipt)
    })
  }

  it('tells receipts from messages of handsets', () => {
    assert.ok(!isReceipt(text('id:77 stat:DELIVRD', { esm_class: 0 })))
    assert.ok(!isReceipt(text('', { esm_class: 0x40 })))
    assert.ok(isReceipt(text('', { esm_class: 0x20 })))
    assert.ok(isReceipt(text('', { esm_class: 0, receipted_message_id: '7', message_state: 2 })))
  })

  it('reads what it writes, with and without the parameters', () => {
    for (const state of [
      'enroute',
      'delivered',
      'expired',
      'deleted',
      'undeliverable',
      'accepted',
      'unknown',
      'rejected',
    ] as const) {
      const receipt: Receipt = { messageId: 'a7', state, error: '34' }
      const body = { ...header, ...receiptBody(receipt, 1_700_000_000_000, 1_700_000_060_000) }
      assert.ok(isReceipt(carried(body)))
      assert.deepEqual(readReceipt(carried(body)), receipt)
      const { receipted_message_id: _, message_state: __, ...textOnly } = body
      assert.deepEqual(readReceipt(carried(textOnly)), receipt)
      assert.equal(isFinalState(state), state !== 'enroute' && state !== 'accepted')
    }
  })

  it('brings ids of both forms together', () => {
    assert.equal(normalizeMessageId('0A', 'hex'), normalizeMessageId('0010', 'decimal'))
    assert.equal(normalizeMessageId('0010', 'as-is'), '0010')
    assert.equal(normalizeMessageId('a-1', 'hex'), 'a-1')
    assert.equal(normalizeMessageId('a1', 'decimal'), 'a1')
    assert.equal(normalizeMessageId('', 'hex'), '')
    const long = 'f'.repeat(65)
    assert.equal(normalizeMessageId(long, 'hex'), long)
  })
})
