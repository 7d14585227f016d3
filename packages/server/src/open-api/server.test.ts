import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { AxbService } from '../bindings/axb-requests.ts'
import { AppError } from '../shared/app-error.ts'
import type { Log } from '../shared/log.ts'
import { AXB_PATH, recordingAxb, startTestApi } from './api-test-kit.ts'

/** A reset counts as closed. */
const closed = (socket: Socket) =>
  new Promise<void>((resolve) => socket.on('error', () => undefined).once('close', () => resolve()))

describe('API server', () => {
  it('names protocol, port and address when the port is taken', async () => {
    const first = await startTestApi()
    try {
      await assert.rejects(startTestApi({ config: { httpPort: first.port } }), (error: unknown) => {
        assert.ok(error instanceof AppError)
        assert.equal(error.code, 'API_LISTEN')
        assert.equal(
          error.message,
          `the API (HTTP) cannot listen on 127.0.0.1 port ${first.port}: another program uses it (EADDRINUSE); stop that program, or choose another port with api.httpPort (MASKLINE_HTTP_PORT)`,
        )
        return true
      })
    } finally {
      await first.close()
    }
  })

  it('lets a running request finish while it closes, and tells the client that the connection ends', async () => {
    let arrived = (): void => {}
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const reached = new Promise<void>((resolve) => (arrived = resolve))
    const axb: AxbService = {
      ...recordingAxb(),
      unbind: async () => {
        arrived()
        await held
        return { ok: true }
      },
    }
    const test = await startTestApi({ axb })
    const answer = test.call('DELETE', { query: '?subscriptionId=s' })
    await reached
    const stopped = test.close()
    release()
    const { status, headers } = await answer
    assert.equal(status, 200)
    assert.equal(headers['connection'], 'close')
    await stopped
  })

  it('closes idle kept-alive connections when it closes', async () => {
    const test = await startTestApi()
    const agent = new Agent({ keepAlive: true })
    const sent = request({ host: '127.0.0.1', port: test.port, path: '/', agent }).end()
    const [response] = await once(sent, 'response')
    response.resume()
    await once(response, 'end')
    await test.close()
    agent.destroy()
  })

  it('cuts a connection that does not finish its request when the grace is over', async () => {
    const test = await startTestApi()
    const socket = connect(test.port, '127.0.0.1')
    socket.write(`POST ${AXB_PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n${test.signedLines()}\r\n{`)
    await once(socket, 'connect')
    const gone = closed(socket)
    await test.api.close(1)
    await gone
  })

  it('[auth.code.500.1010001] answers 500 1010001 in JSON when the store of apps fails', async () => {
    const test = await startTestApi({ apps: { findApp: () => Promise.reject(new Error('no disk')) } })
    try {
      const { status, text } = await test.call('GET', { query: '?subscriptionId=s' })
      assert.equal(status, 500)
      assert.equal(text, '{"resultcode":"1010001","resultdesc":"Internal system error."}')
    } finally {
      await test.close()
    }
  })

  it('logs a failing domain once and tells the client nothing of it', async () => {
    const errors: object[] = []
    const log: Log = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields) }
    const test = await startTestApi({ log })
    try {
      test.axb.crashWith = new Error('disk full')
      const { text } = await test.call('DELETE', { query: '?subscriptionId=s' })
      assert.doesNotMatch(text, /disk/)
      assert.equal(errors.length, 1)
    } finally {
      await test.close()
    }
  })
})
