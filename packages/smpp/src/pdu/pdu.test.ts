import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodePdu, encodePdu } from './codec.ts'
import { MAX_PDU_OCTETS, PduFramer } from './framer.ts'
import { MAX_SEQUENCE, nextSequence, type MessageBody } from './pdu.ts'
import { STATUS, isTemporary, statusName } from './status.ts'

const message: MessageBody = {
  source_addr_ton: 1,
  source_addr_npi: 1,
  source_addr: '8613800000021',
  dest_addr_ton: 1,
  dest_addr_npi: 1,
  destination_addr: '8617000000001',
  esm_class: 0,
  registered_delivery: 1,
  data_coding: 8,
  short_message: Buffer.from('4f60597d', 'hex'),
}

const none = (): void => assert.fail('a PDU where none is')

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

/** A PDU with the length that it has. */
const pdu = (header: string, body: string) => {
  const rest = bytesOf(header + body)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(rest.length + 4)
  return Buffer.concat([length, rest])
}

const DELIVER = '00000005 00000000 00000007'
const DELIVER_RESP = '80000005 00000000 00000007'
const SUBMIT_RESP = '80000004 00000000 00000007'
/** deliver_sm up to sm_length. */
const FIELDS = '00 010138363100 010138363200 00 00 00 00 00 00 00 08 00'

describe('PDU codec', () => {
  it('writes submit_sm as SMPP 3.4 §4.4.1 lays it out', () => {
    const bytes = encodePdu('submit_sm', 7, message)
    const expected =
      '0000004a 00000004 00000000 00000007' +
      '00 01 01 3836313338303030303030323100 01 01 3836313730303030303030303100' +
      '00 00 00 00 00 01 00 08 00 04 4f60597d'
    assert.equal(bytes.toString('hex').slice(8), bytesOf(expected).toString('hex').slice(8))
    assert.equal(bytes.readUInt32BE(0), bytes.length)
  })

  it('reads what it writes, parameters and all', () => {
    const whole: MessageBody = {
      ...message,
      service_type: 'CMT',
      validity_period: '000001000000000R',
      short_message: Buffer.alloc(0),
      message_payload: Buffer.alloc(300, 0x41),
      sar_msg_ref_num: 0x1234,
      sar_total_segments: 3,
      sar_segment_seqnum: 2,
      receipted_message_id: 'a1',
      message_state: 2,
      network_error_code: Buffer.from('030022', 'hex'),
    }
    const decoded = decodePdu(encodePdu('deliver_sm', 0x7fffffff, whole))
    assert.ok(decoded.kind === 'pdu' && decoded.pdu.command === 'deliver_sm')
    assert.equal(decoded.pdu.sequence, 0x7fffffff)
    assert.deepEqual({ ...decoded.pdu.body, ...whole }, decoded.pdu.body)
  })

  it('leaves the body out with an error status, and reads it so', () => {
    const bytes = encodePdu('submit_sm_resp', 7, { message_id: 'x' }, STATUS.ESME_RTHROTTLED)
    assert.equal(bytes.toString('hex'), '00000010800000040000005800000007')
    const decoded = decodePdu(bytes)
    assert.ok(decoded.kind === 'pdu')
    assert.equal(decoded.pdu.status, STATUS.ESME_RTHROTTLED)
  })

  it('refuses a string that would shift what follows', () => {
    for (const digits of ['86\u0000138', '张三']) {
      assert.throws(() => encodePdu('submit_sm', 1, { ...message, source_addr: digits }), RangeError)
    }
  })

  const malformed: Readonly<Record<string, string>> = {
    'nothing but a header': '',
    'an address without an end': '00 0101383631',
    'nothing after the addresses': '00 010138363100 010138363200',
    'no short message': FIELDS,
    'a short message longer than the PDU': FIELDS + '05 41424344',
    'a parameter longer than the PDU': FIELDS + '00 0424 0005 41',
    'half a parameter': FIELDS + '00 0424 00',
    'a parameter of 65535 octets': FIELDS + '00 0424 ffff',
  }
  for (const [name, body] of Object.entries(malformed)) {
    it(`calls deliver_sm malformed with ${name}`, () => {
      const decoded = decodePdu(pdu(DELIVER, body))
      assert.ok(decoded.kind === 'malformed')
      assert.equal(decoded.command, 'deliver_sm')
      assert.equal(decoded.sequence, 7)
    })
  }

  it('passes over parameters that it does not know, and takes numbers of any width', () => {
    const decoded = decodePdu(
      pdu(DELIVER, FIELDS + '01 41 1400 0002 abcd 0427 0002 0002 020c 0001 07 020e 0000'),
    )
    assert.ok(decoded.kind === 'pdu' && decoded.pdu.command === 'deliver_sm')
    const { body } = decoded.pdu
    assert.deepEqual(
      [body.message_state, body.sar_msg_ref_num, body.sar_total_segments, body.short_message?.toString()],
      [2, 7, undefined, 'A'],
    )
  })

  const responses: Readonly<Record<string, readonly [string, string | undefined]>> = {
    'no message id': ['', undefined],
    'a message id without an end': ['6132', 'a2'],
    'octets after it': ['613200ff', 'a2'],
    'a broken parameter': ['613200 0424 00ff 41', 'a2'],
  }
  for (const [name, [body, messageId]] of Object.entries(responses)) {
    it(`reads a response with ${name} as far as it goes`, () => {
      const decoded = decodePdu(pdu(SUBMIT_RESP, body))
      assert.ok(decoded.kind === 'pdu' && decoded.pdu.command === 'submit_sm_resp')
      assert.equal(decoded.pdu.body.message_id, messageId)
    })
  }

  it('tells unknown commands from unknown responses', () => {
    assert.deepEqual(decodePdu(pdu('00000103 00000000 00000001', '')).kind, 'malformed')
    assert.deepEqual(decodePdu(pdu('00000111 00000000 00000001', '')), {
      kind: 'unknown',
      commandId: 0x111,
      sequence: 1,
      isResponse: false,
    })
    const response = decodePdu(pdu('80000111 00000000 00000001', ''))
    assert.ok(response.kind === 'unknown' && response.isResponse)
  })

  it('gives a verdict on any bytes', () => {
    const ids = fc.constantFrom(
      DELIVER,
      DELIVER_RESP,
      SUBMIT_RESP,
      '00000004 00000000 00000001',
      '00000009 00000000 00000001',
    )
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 200, size: 'max' }).map((bytes) => Buffer.from(bytes)),
      // a good message with bytes changed, and cut
      fc
        .tuple(fc.nat(400), fc.array(fc.tuple(fc.nat(399), fc.nat(255)), { maxLength: 6 }))
        .map(([length, changes]) => {
          const body = Buffer.from(
            encodePdu('submit_sm', 1, { ...message, message_payload: Buffer.alloc(300) }).subarray(16),
          )
          for (const [at, value] of changes) body[at % body.length] = value
          return body.subarray(0, length)
        }),
    )
    fc.assert(
      fc.property(ids, bodies, (header, body) => {
        const decoded = decodePdu(pdu(header, body.toString('hex')))
        assert.ok(decoded.kind === 'pdu' || decoded.kind === 'malformed')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('PDU framer', () => {
  it('gives the same PDUs however the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (lengths, cuts) => {
        const sent = lengths.map((length, i) =>
          encodePdu('submit_sm', i + 1, {
            ...message,
            short_message: Buffer.alloc(Math.min(length, 254), i),
          }),
        )
        const stream = Buffer.concat(sent)
        const framer = new PduFramer()
        const got: string[] = []
        for (let at = 0; at < stream.length;) {
          const size = cuts.next().value
          const fault = framer.push(stream.subarray(at, at + size), (bytes) =>
            got.push(bytes.toString('hex')),
          )
          assert.equal(fault, undefined)
          at += size
        }
        assert.deepEqual(
          got,
          sent.map((bytes) => bytes.toString('hex')),
        )
        assert.equal(framer.held, 0)
      }),
    )
  })

  it('ends the stream at a length that no PDU has, whole or cut', () => {
    for (const length of [0, 4, 15, MAX_PDU_OCTETS + 1, 0xffffffff]) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(length)
      assert.match(new PduFramer().push(bytes, none) ?? '', new RegExp(`${length} octets`))
      const slow = new PduFramer()
      assert.equal(slow.push(bytes.subarray(0, 1), none), undefined)
      assert.match(slow.push(bytes.subarray(1), none) ?? '', new RegExp(`${length} octets`))
    }
    assert.match(new PduFramer().push(Buffer.from('GET / HTTP/1.1\r\n\r\n'), none) ?? '', /longer/)
  })

  it('takes the PDUs before the fault', () => {
    const taken: Buffer[] = []
    const bytes = Buffer.concat([encodePdu('enquire_link', 1, {}), Buffer.from('garbage!')])
    assert.match(new PduFramer().push(bytes, (one) => taken.push(one)) ?? '', /longer/)
    assert.equal(taken.length, 1)
  })
})

describe('sequence numbers', () => {
  it('begin again with 1, and pass over those that are taken', () => {
    const taken = new Set([MAX_SEQUENCE, 1, 2, 4])
    const isTaken = (sequence: number) => taken.has(sequence)
    assert.equal(
      nextSequence(0, () => false),
      1,
    )
    assert.equal(
      nextSequence(MAX_SEQUENCE, () => false),
      1,
    )
    assert.equal(nextSequence(MAX_SEQUENCE - 1, isTaken), 3)
    assert.equal(nextSequence(3, isTaken), 5)
  })
})

describe('command_status', () => {
  it('has the names of the standard, and numbers for those of vendors', () => {
    for (const [name, status] of Object.entries(STATUS)) assert.equal(statusName(status), name)
    assert.equal(statusName(0x401), '0x0401')
  })

  it('calls temporary what may succeed later', () => {
    assert.deepEqual(
      Object.entries(STATUS).flatMap(([name, status]) => (isTemporary(status) ? [name] : [])),
      ['ESME_RSYSERR', 'ESME_RMSGQFUL', 'ESME_RTHROTTLED', 'ESME_RX_T_APPN'],
    )
  })
})
