import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { cutAnswer, runHttpLoad } from './http-load.ts'

describe('HTTP load', () => {
  it('cuts an answer only when it is whole', () => {
    const whole = 'HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno'
    for (let end = 0; end < whole.length; end += 1) assert.equal(cutAnswer(whole.slice(0, end)), undefined)
    assert.deepEqual(cutAnswer(whole), { status: 403, body: 'no' })
  })

  it('counts every answer and those that failed', async () => {
    let served = 0
    const server = createServer((_request, response) => {
      served += 1
      response.writeHead(served % 2 === 0 ? 403 : 200, { 'Content-Length': 2 }).end('ok')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    let left = 10
    const result = await runHttpLoad({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      connections: 2,
      seconds: 60,
      next: () => (left-- > 0 ? 'GET / HTTP/1.1\r\nHost: h\r\n\r\n' : undefined),
    })
    server.close()
    assert.equal(result.requests, 10)
    assert.equal(result.failed, 5)
  })
})
