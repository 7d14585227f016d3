import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AnswerReader } from './http-answer.ts'

type Expected = { status: number; reusable: boolean; keepAliveSec?: number }

/** Feeds an answer in two pieces, cut at every place in turn, then byte by byte. */
function readEveryWay(answer: string, closes: boolean, expected: Expected | 'broken'): void {
  const bytes = Buffer.from(answer, 'latin1')
  const ways = Array.from({ length: bytes.length }, (_, cut) => [bytes.subarray(0, cut), bytes.subarray(cut)])
  ways.push(Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1)))
  for (const pieces of ways) {
    const reader = new AnswerReader()
    reader.expect()
    let progress = 'more'
    for (const piece of pieces) if (progress === 'more') progress = reader.feed(piece)
    if (progress === 'more' && closes) progress = reader.close()
    if (expected === 'broken') assert.equal(progress, 'broken')
    else {
      assert.equal(progress, 'whole', `in ${pieces.length} pieces, the first of ${pieces[0]?.length}`)
      assert.equal(reader.status, expected.status)
      assert.equal(reader.reusable, expected.reusable)
      assert.equal(reader.keepAliveSec, expected.keepAliveSec)
    }
  }
}

const lines = (...all: readonly string[]): string => all.join('\r\n')

describe('answers on one connection', () => {
  it('are each read for themselves, the same again and others between', () => {
    const kept = lines('HTTP/1.1 200 OK', 'Keep-Alive: timeout=5', 'Content-Length: 2', '', '{}')
    const closed = lines('HTTP/1.1 500 Oops', 'Connection: close', 'Content-Length: 0', '', '')
    const longer = lines('HTTP/1.1 200 OK', 'Keep-Alive: timeout=5', 'Content-Length: 3', '', '{}')
    const reader = new AnswerReader()
    const read = (answer: string): unknown[] => {
      reader.expect()
      const progress = reader.feed(Buffer.from(answer, 'latin1'))
      return [progress, reader.status, reader.reusable, reader.keepAliveSec]
    }
    const asKept = ['whole', 200, true, 5]
    const asClosed = ['whole', 500, false, undefined]
    for (const [answer, expected] of [
      [kept, asKept],
      [kept, asKept],
      [closed, asClosed],
      [closed, asClosed],
      [kept, asKept],
      [longer, ['more', 200, true, 5]],
      [kept, asKept],
    ] as const)
      assert.deepEqual(read(answer), expected)
    assert.equal(reader.feed(Buffer.from(kept, 'latin1')), 'broken', 'nobody asked for it')
  })
})

describe('an answer', () => {
  it('with a length', () => {
    readEveryWay(lines('HTTP/1.1 200 OK', 'Content-Length: 3', '', 'abc'), false, {
      status: 200,
      reusable: true,
    })
  })

  it('without a body', () => {
    readEveryWay(lines('HTTP/1.1 200', 'content-length:0', '', ''), false, { status: 200, reusable: true })
    readEveryWay(lines('HTTP/1.1 204 No Content', '', ''), false, { status: 204, reusable: true })
    readEveryWay(lines('HTTP/1.1 304 Not Modified', 'Content-Length: 9', '', ''), false, {
      status: 304,
      reusable: true,
    })
  })

  it('in chunks, with an extension and a trailer', () => {
    readEveryWay(
      lines(
        'HTTP/1.1 500 Oops',
        'Transfer-Encoding: chunked',
        '',
        'a;x=1',
        '0123456789',
        '2',
        'ab',
        '0',
        'T: 1',
        '',
        '',
      ),
      false,
      { status: 500, reusable: true },
    )
  })

  it('that ends with the connection', () => {
    readEveryWay(lines('HTTP/1.1 200 OK', '', 'abc'), true, { status: 200, reusable: false })
    readEveryWay(lines('HTTP/1.0 200 OK', '', ''), true, { status: 200, reusable: false })
  })

  it('that says whether the connection stays', () => {
    const whole = (version: string, header: string) =>
      lines(`HTTP/${version} 200 OK`, 'Content-Length: 0', header, '', '')
    readEveryWay(whole('1.1', 'Connection: Close'), false, { status: 200, reusable: false })
    readEveryWay(whole('1.1', 'Connection: foo, close'), false, { status: 200, reusable: false })
    readEveryWay(whole('1.0', 'Connection: keep-alive'), false, { status: 200, reusable: true })
    readEveryWay(whole('1.1', 'Keep-Alive: timeout=5, max=99'), false, {
      status: 200,
      reusable: true,
      keepAliveSec: 5,
    })
  })

  it('after interim answers', () => {
    readEveryWay(
      lines(
        'HTTP/1.1 100 Continue',
        '',
        'HTTP/1.1 103 Early Hints',
        'Link: x',
        '',
        'HTTP/1.1 202 Accepted',
        'Content-Length: 0',
        '',
        '',
      ),
      false,
      { status: 202, reusable: true },
    )
  })

  it('with both framings goes by the chunks and gives the connection up', () => {
    readEveryWay(
      lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked', '', '0', '', ''),
      false,
      { status: 200, reusable: false },
    )
  })

  it('followed by bytes nobody asked for gives the connection up', () => {
    const reader = new AnswerReader()
    reader.expect()
    assert.equal(
      reader.feed(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200')),
      'whole',
    )
    assert.equal(reader.reusable, false)
    assert.equal(reader.feed(Buffer.from('x')), 'broken')
  })
})

describe('what is no answer', () => {
  const nonsense: readonly (readonly [string, string])[] = [
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
    ['a chunk size that is no number', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a chunk longer than it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc'],
  ]
  for (const [what, text] of nonsense) {
    it(what, () => {
      readEveryWay(text, true, 'broken')
    })
  }

  it('a head without end', () => {
    const reader = new AnswerReader()
    reader.expect()
    let progress = reader.feed(Buffer.from('HTTP/1.1 200 OK\r\n'))
    for (let i = 0; i < 100 && progress === 'more'; i++)
      progress = reader.feed(Buffer.from(`X: ${'x'.repeat(1_000)}\r\n`))
    assert.equal(progress, 'broken')
  })

  it('stops reading a body that is too long, with the status known', () => {
    const reader = new AnswerReader()
    reader.expect()
    reader.feed(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n'))
    let progress = 'more'
    for (let i = 0; i < 100 && progress === 'more'; i++) progress = reader.feed(Buffer.alloc(1_000))
    assert.equal(progress, 'whole')
    assert.deepEqual([reader.status, reader.reusable], [200, false])
  })
})
