import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Bench, NONE, openBench, settle, wayOver } from './call-test-kit.ts'
import type { Outbound } from './ports.ts'

const PEER = 'one.example'

/** A call over a trunk that follows, with a second way behind it. */
async function call(first: Partial<Outbound> = {}): Promise<Bench> {
  const bench = openBench({
    ways: (told) => [wayOver('one', told, { redirects: 'follow', ...first }), wayOver('two', told)],
  })
  await settle()
  return bench
}

async function moves(bench: Bench, contacts: readonly string[], status = 302): Promise<void> {
  bench.calleeSays(status, { headers: contacts.flatMap((contact) => ['Contact', contact]) })
  await settle()
}

const fails = async (bench: Bench, status: number): Promise<void> => {
  bench.calleeSays(status, { headers: ['Via', 'x'] })
  await settle()
}

const at = (user: string): string => `<sip:${user}@${PEER}>`
const dialled = (bench: Bench): readonly string[] => bench.invites.map(({ uri }) => uri).slice(1)

describe('a 3xx of a trunk that follows', () => {
  for (const [title, contacts, uris] of [
    ['its contact', [at('100')], ['sip:100@one.example']],
    ['a contact at the peer’s address', ['<sip:100@192.0.2.9>'], ['sip:100@one.example']],
    [
      'port and user of it, and nothing else',
      ['"B" <sip:1%30%30:secret@one.example:5070;maddr=192.0.2.66;lr?Subject=x>'],
      ['sip:100@one.example:5070'],
    ],
    [
      'no other host',
      ['<sip:100@192.0.2.66>', '<sip:100@elsewhere.example>', '<sip:100@one.example.evil.example>'],
      [],
    ],
    ['no other scheme', ['<tel:+8613800000029>', '<mailto:b@one.example>', '<sips:100@one.example>'], []],
    ['nothing that cannot be read', ['*', '<<>', `<sip:${PEER}>`], []],
    ['not itself', [at('+8613800000022'), at('%2B8613800000022')], []],
  ] as const)
    test(`follows ${title}`, async () => {
      const bench = await call()
      await moves(bench, contacts)
      assert.deepEqual(dialled(bench), uris)
      assert.equal(bench.ended()?.releaseCode, uris.length === 0 ? 8103 : undefined)
    })

  test('takes the contacts in the order of their q, one after another', async () => {
    const bench = await call()
    await moves(bench, [`${at('a')};q=0.2, ${at('b')};q=0.9`, at('c'), `${at('d')};q=7`])
    for (const status of [503, 404, 480]) await fails(bench, status)
    assert.deepEqual(dialled(bench), [
      'sip:c@one.example',
      'sip:b@one.example',
      'sip:a@one.example',
      'sip:d@one.example',
    ])
    await fails(bench, 486)
    assert.equal(bench.ended()?.releaseCode, 8102, 'the last failure decides')
    assert.deepEqual(
      bench.channels.filter((what) => what.endsWith('taken')),
      ['one taken'],
    )
  })

  test('is followed five times at most, and never back', async () => {
    const bench = await call()
    for (let n = 1; n <= 9; n++) await moves(bench, [at(`${n - 1}`), at(`${n}`)])
    assert.deepEqual(
      dialled(bench).map((uri) => uri.split(/[:@]/)[1]),
      ['0', '2', '3', '4', '5'],
    )
    assert.deepEqual(bench.toCaller, ['480 20'])
    assert.equal(bench.ended()?.sipStatus, 302)
  })

  test('comes after ringing too (forward on no answer), and the talk is one call', async () => {
    const bench = await call()
    bench.calleeSays(180, { body: NONE })
    await moves(bench, [at('100')])
    bench.calleeSays(180, { body: NONE })
    bench.calleeSays(200)
    await settle()
    bench.hangsUp()
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'callout', 'alerting', 'answer', 'disconnect'])
    assert.deepEqual(bench.toCaller, ['180', '180', '200'])
    assert.equal(bench.ended()?.releaseCode, 0)
  })

  test('leads to a phone that rings: its failure is the call’s', async () => {
    const bench = await call()
    await moves(bench, [at('a'), at('b')])
    bench.calleeSays(180, { body: NONE })
    await fails(bench, 480)
    assert.deepEqual(dialled(bench), ['sip:a@one.example'])
    assert.equal(bench.ended()?.releaseCode, 8101)
  })

  test('leads to a phone that refuses everywhere (6xx): no other contact', async () => {
    const bench = await call()
    await moves(bench, [at('a'), at('b')])
    await fails(bench, 603)
    assert.deepEqual(dialled(bench), ['sip:a@one.example'])
  })

  for (const status of [305, 380])
    test(`is no contact to call when it is ${status}`, async () => {
      const bench = await call()
      await moves(bench, [at('a')], status)
      assert.deepEqual(dialled(bench), [])
      assert.equal(bench.ended()?.sipStatus, status)
    })
})

test('a 3xx of a trunk that does not follow ends the call, and the caller sees no contact', async () => {
  const bench = await call({ redirects: 'refuse' })
  await moves(bench, [at('100')])
  assert.deepEqual(dialled(bench), [])
  assert.deepEqual(bench.toCaller, ['480 20'])
  assert.deepEqual(bench.ended(), { at: 1_000_000, releaseCode: 8103, q850: 31, sipStatus: 302 })
})
