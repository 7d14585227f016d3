import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { StreamFramer } from '../../message/framing.ts'
import { header } from '../../message/headers.ts'
import { MAGIC_COOKIE } from '../../message/via.ts'
import { openBench } from '../bench.ts'
import { testRequest } from '../requests.ts'
import type { ConformanceCase } from './case.ts'
import { CONFORMANCE_SUITES, conformanceCounts, fixtureOf, observe } from './suites.ts'
import type { ConformanceSuite } from './suites.ts'

for (const suite of CONFORMANCE_SUITES) {
  describe(suite.name, () => {
    it('has a verdict for every fixture, and a fixture for every verdict', () => {
      const files = readdirSync(suite.fixtures).filter((file) => file.endsWith('.dat'))
      assert.deepEqual(Object.keys(suite.table).sort(), files.sort())
    })

    for (const [file, { section, parser, stack, fitted, why }] of Object.entries<ConformanceCase>(
      suite.table,
    )) {
      it(`§${section} ${file}: ${stack.at(-1) ?? 'dropped'}: ${why}`, async () => {
        const { clean, ...seen } = await observe(fixtureOf(suite, file), suite.family)
        assert.deepEqual(seen, { parser, stack, ...(fitted !== undefined && { fitted }) })
        assert.ok(clean, 'something threw, or a transaction or dialog was left over')
      })
    }
  })
}

/** Digests as in `sha256sum`'s output, by file. */
function digestsIn(folder: URL): Map<string, string> {
  const lines = readFileSync(new URL('SHA256SUMS', folder), 'utf8').trim().split('\n')
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]))
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('the fixtures', () => {
  const [rfc4475, rfc5118] = CONFORMANCE_SUITES as [ConformanceSuite, ConformanceSuite]

  it('are those of the archive in RFC 4475, byte for byte', () => {
    for (const [file, digest] of digestsIn(rfc4475.fixtures))
      assert.equal(sha256(fixtureOf(rfc4475, file)), digest, file)
    assert.equal(digestsIn(rfc4475.fixtures).size, 49)
    const reference = referenceFolder()
    if (reference === undefined) return
    const files = readdirSync(reference).filter((file) => file.endsWith('.dat'))
    assert.equal(files.length, 49)
    for (const file of files)
      assert.deepEqual(fixtureOf(rfc4475, file), readFileSync(path.join(reference, file)), file)
  })

  it('are those of the archive in RFC 5118, but for line ends and the end of two heads', () => {
    const digests = digestsIn(rfc5118.fixtures)
    assert.equal(digests.size, 12)
    for (const [file, digest] of digests) {
      const text = fixtureOf(rfc5118, file).toString('latin1').replaceAll('\r\n', '\n')
      const archived = file.includes('abnf') ? text.slice(0, -1) : text
      assert.equal(sha256(Buffer.from(archived, 'latin1')), digest, file)
    }
  })

  /** A copy of the reference files beside the repository, or beside a folder that it lies in. */
  function referenceFolder(): string | undefined {
    for (let folder = import.meta.dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
      const candidate = path.join(folder, 'shared', 'data', 'rfc4475')
      if (existsSync(candidate)) return candidate
    }
    return undefined
  }
})

describe('RFC 5118 with Content-Length put right', () => {
  const suite = CONFORMANCE_SUITES[1]!
  for (const [file, length] of [
    ['ipv6-in-sdp.dat', 251],
    ['mult-ip-in-sdp.dat', 189],
    ['ipv4-mapped-ipv6.dat', 245],
  ] as const) {
    it(`${file} is taken with its whole body`, async () => {
      const text = fixtureOf(suite, file).toString('latin1')
      const counted = text.replace(/Content-Length: \d+/, `Content-Length: ${length}`)
      const seen = await observe(Buffer.from(counted, 'latin1'), 6)
      assert.deepEqual(seen, {
        parser: { reads: 'INVITE', body: length, field: undefined },
        stack: ['onInvite', '100 INVITE'],
        clean: true,
      })
    })
  }
})

describe('on a stream', () => {
  /** What the framer makes of a fixture: `INVITE`, `400`, `waits` (unfinished), `end` (nothing more can be read). */
  function framed(file: string): string[] {
    const framer = new StreamFramer()
    const items = framer.push(fixtureOf(CONFORMANCE_SUITES[0]!, file)).flatMap((item) => {
      if (item.kind === 'keepalive') return ['keepalive']
      if (item.kind === 'fatal') return [String(item.fault.status), 'end']
      if (!item.result.ok) return [String(item.result.fault.status)]
      const { message } = item.result
      return [message.kind === 'request' ? message.method : String(message.status)]
    })
    return framer.isUnfinished ? [...items, 'waits'] : items
  }

  for (const [file, expected, why] of [
    [
      'dblreq.dat',
      ['REGISTER', 'INVITE', '400', 'end'],
      'both messages are there; the second body goes on beyond its Content-Length',
    ],
    ['clerr.dat', ['waits'], 'the rest of the body may come yet'],
    ['ncl.dat', ['400', 'end'], 'where the next message starts nobody knows'],
    ['mcl01.dat', ['400', 'end'], 'two lengths are none'],
    ['inv2543.dat', ['400', 'end'], 'a stream needs Content-Length'],
    ['baddn.dat', ['waits'], 'the head may go on'],
    ['multi01.dat', ['400'], 'a broken message with a length breaks nothing but itself'],
    ['trws.dat', ['400'], 'the same'],
  ] as const) {
    it(`${file}: ${why}`, () => assert.deepEqual(framed(file), expected))
  }
})

it('a branch that is only the cookie does not make one transaction of two requests', async () => {
  const bench = await openBench({ stackHandlers: { onRequest: (request) => request.respond(200) } })
  for (const callId of ['one', 'two', 'one'])
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'MESSAGE', branch: MAGIC_COOKIE, callId }))
  bench.clock.advance(1)
  assert.deepEqual(
    bench.peer.inbox.map((answer) => header(answer, 'Call-ID')),
    ['one', 'two', 'one'],
  )
  assert.equal(bench.stack.stats().transactions, 2)
})

it('the counts say that every message of both RFCs is treated as it must be', async () => {
  assert.deepEqual(await conformanceCounts(), [
    { name: 'RFC 4475', cases: 49, passed: 49 },
    { name: 'RFC 5118', cases: 12, passed: 12 },
  ])
})
