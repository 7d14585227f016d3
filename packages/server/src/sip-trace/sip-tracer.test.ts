import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { SipMessage, SipStack } from '@maskline/sip'
import { silentLog } from '../shared/log.ts'
import { manualClock } from '../testkit/manual-clock.ts'
import { messageOf } from './message-test-kit.ts'
import { createSipTracer } from './sip-tracer.ts'

const ALL = { real: false, forMs: 60_000 }

function openTracer() {
  const looks = new Set<Parameters<SipStack['trace']>[0]>()
  const warned: object[] = []
  const time = manualClock(1_000_000)
  const tracer = createSipTracer({
    stack: {
      trace(look) {
        looks.add(look)
        return () => void looks.delete(look)
      },
    },
    clock: time.clock,
    log: { ...silentLog, warn: (fields) => void warned.push(fields) },
  })
  const passes = (message: SipMessage): void => {
    for (const look of looks)
      look(
        'in',
        message,
        { address: '::1', port: 5060 },
        { address: '192.0.2.9', port: 5061, transport: 'tls' },
      )
  }
  return { looks, warned, time, tracer, passes }
}

const INVITE = messageOf(['INVITE sip:+8617000000001@192.0.2.1 SIP/2.0', 'Call-ID: c1'])

test('a trace ends when its time is over, and nobody looks any more', async () => {
  const { looks, warned, time, tracer, passes } = openTracer()
  const lines = tracer.open({ ...ALL, real: true })!
  let text = ''
  lines.on('data', (chunk) => void (text += String(chunk)))
  passes(INVITE)
  for (let i = 0; i < 4; i++) time.advance(15_000)
  await once(lines, 'end')
  passes(INVITE)
  const events = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as object]))
  assert.deepEqual(events, [
    {
      at: 1_000_000,
      direction: 'in',
      peer: 'tls 192.0.2.9:5061',
      local: '[::1]:5060',
      text: 'INVITE sip:+8617000000001@192.0.2.1 SIP/2.0\nCall-ID: c1\n',
    },
  ])
  assert.deepEqual([looks.size, time.pending()], [0, 0])
  assert.deepEqual(warned, [{ seconds: 60, real: true }])
})

test('a trace that is left ends, and makes room for another', async () => {
  const { looks, time, tracer } = openTracer()
  const open = Array.from({ length: 4 }, () => tracer.open(ALL)!)
  assert.equal(tracer.open(ALL), undefined)
  open[0]!.destroy()
  await once(open[0]!, 'close')
  assert.ok(tracer.open(ALL))
  tracer.close()
  await Promise.all(open.slice(1).map((lines) => once(lines, 'close')))
  assert.deepEqual([looks.size, time.pending()], [0, 0])
})

test('what is read too slowly is left out, and how much of it is told', async () => {
  const { tracer, passes } = openTracer()
  const lines = tracer.open(ALL)!
  const big = messageOf(['INVITE sip:x@192.0.2.1 SIP/2.0', `Subject: ${'x'.repeat(1024 * 1024)}`])
  for (let i = 0; i < 7; i++) passes(big)
  let told = lines.read() as Buffer
  passes(INVITE)
  told = Buffer.concat([told, lines.read() as Buffer])
  const events = told.toString().trim().split('\n')
  assert.deepEqual([events.length, events.at(-2)], [6, '{"lost":3}'])
  lines.destroy()
  await once(lines, 'close')
})
