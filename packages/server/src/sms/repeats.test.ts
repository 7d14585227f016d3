import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { splitText } from '@maskline/smpp'
import { openRelayKit } from './relay-test-kit.ts'
import { A, X } from './sms-test-kit.ts'

type Fate = 'read' | 'lost'

/** A relay, and a network that hands in texts of A and tells later what became of the acknowledgements. */
async function open(t: TestContext) {
  const untold: ((fate: Fate) => void)[] = []
  // Before the kit closes, which waits for them.
  t.after(() => tell('read'))
  const kit = await openRelayKit(t, 'AXB')
  const tell = async (fate: Fate): Promise<void> => {
    for (const settle of untold.splice(0)) settle(fate)
    // The relay hears of it after this turn.
    await new Promise(setImmediate)
    await kit.relay.drain()
  }
  /** Parts of a text, all or one of them; `heldMs`: how long they have waited before they are stored. */
  const hand = async (text: string, { reference = 1, only = 0, heldMs = 0 } = {}): Promise<void> => {
    const { onPart } = kit.relay.handlersOf('smsc-1')
    const parts = splitText(text, { reference })
    for (const part of only > 0 ? [parts[only - 1]!] : parts) {
      const { promise: acknowledgement, resolve } = Promise.withResolvers<Fate>()
      untold.push(resolve)
      await onPart({ ...part, from: A, to: X, receivedAt: kit.clock.now() - heldMs, acknowledgement })
    }
    await kit.relay.drain()
  }
  const sent = () => kit.carrier.submitted.map(({ text }) => text)
  return { ...kit, hand, tell, sent }
}

it('a text whose acknowledgement got lost is not sent again when it comes again, and told once', async (t) => {
  const { hand, tell, sent, notified } = await open(t)
  await hand('ok')
  await tell('lost')
  await hand('ok')
  assert.deepEqual(sent(), ['ok'])
  assert.equal((await notified()).length, 1)
})

it('a person who sends the same twice gets it there twice, whether the first acknowledgement is known to be read or not', async (t) => {
  const { hand, tell, sent, advance } = await open(t)
  await hand('ok')
  await hand('ok')
  await tell('read')
  advance(10_000)
  await hand('ok')
  assert.deepEqual(sent(), ['ok', 'ok', 'ok'])
})

it('each of two equal texts has its repeat', async (t) => {
  const { hand, tell, sent } = await open(t)
  await hand('ok')
  await hand('ok')
  await tell('lost')
  await hand('ok')
  await hand('ok')
  assert.deepEqual(sent(), ['ok', 'ok'])
})

it('one repeat is taken, however often its acknowledgement gets lost; what comes after it is read is a text of its own', async (t) => {
  const { hand, tell, sent } = await open(t)
  for (let n = 0; n < 3; n++) {
    await hand('ok')
    await tell('lost')
  }
  assert.deepEqual(sent(), ['ok'])
  await hand('ok')
  await tell('read')
  assert.deepEqual(sent(), ['ok'])
  await hand('ok')
  assert.deepEqual(sent(), ['ok', 'ok'])
})

it('after five minutes a text is one of its own again', async (t) => {
  const { hand, tell, sent, advance } = await open(t)
  await hand('ok')
  await tell('lost')
  advance(299_999)
  await hand('ok')
  await tell('lost')
  advance(300_000)
  await hand('ok')
  assert.deepEqual(sent(), ['ok', 'ok'])
})

it('an acknowledgement that nothing shows to be read for 5 s may be lost', async (t) => {
  const { hand, sent, advance } = await open(t)
  await hand('ok')
  advance(5_000)
  await hand('ok')
  assert.deepEqual(sent(), ['ok'])
})

it('an acknowledgement that could leave only after 5 s came too late for who waits no longer, read or not', async (t) => {
  const { hand, tell, sent } = await open(t)
  await hand('slow', { heldMs: 5_000 })
  await hand('quick', { heldMs: 4_999 })
  await tell('read')
  await hand('slow')
  await hand('quick')
  assert.deepEqual(sent(), ['slow', 'quick', 'quick'])
})

it('a part of a long text that comes again after the minute of its text is known too', async (t) => {
  const { hand, tell, sent, advance, notified } = await open(t)
  const text = 'long '.repeat(60)
  await hand(text)
  await tell('lost')
  advance(200_000)
  await hand(text, { only: 2 })
  advance(60_000)
  await hand('end')
  assert.deepEqual(sent(), [text, text, 'end'])
  assert.equal((await notified()).length, 2)
})

it('with no time for repeats every text is one of its own', async (t) => {
  const kit = await openRelayKit(t, 'AXB', { policy: { repeatMs: 0 } })
  const { onPart } = kit.relay.handlersOf('smsc-1')
  const [part] = splitText('ok', { reference: 1 })
  for (let n = 0; n < 2; n++) {
    const acknowledgement = Promise.resolve('lost' as const)
    await onPart({ ...part!, from: A, to: X, receivedAt: kit.clock.now(), acknowledgement })
    await kit.relay.drain()
  }
  assert.equal(kit.carrier.submitted.length, 2)
})
