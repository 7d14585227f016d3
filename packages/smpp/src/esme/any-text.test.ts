import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { joinParts, splitText, type TextPart } from '../text/split.ts'
import { headers, texts } from '../testkit/texts.ts'
import { NUMBER_X, PHONE_A, PHONE_B, startPair } from '../testkit/pair.ts'
import type { SubmittedPart } from '../smsc/types.ts'

/** Texts that are under way at once, and all their parts in the order they leave. */
const underWay = fc
  .uniqueArray(fc.tuple(fc.nat(0xffff), texts, headers), {
    // The references must differ in the octet that udh8 carries.
    selector: ([reference]) => reference & 0xff,
    minLength: 1,
    maxLength: 3,
  })
  .chain((messages) => {
    const parts = messages.flatMap(([reference, text, header]) => splitText(text, { reference, header }))
    return fc.record({
      written: fc.constant(messages.map(([, text]) => text)),
      parts: fc.shuffledSubarray(parts, { minLength: parts.length }),
    })
  })

/** What a receiver makes of parts that came mixed. */
function reassembled(parts: readonly TextPart[]): readonly string[] {
  const alone = parts.filter(({ concat }) => concat === undefined)
  const long = Map.groupBy(
    parts.filter(({ concat }) => concat !== undefined),
    ({ concat }) => `${concat!.header} ${concat!.reference}`,
  )
  for (const [{ concat }, ...rest] of long.values() as Iterable<[TextPart, ...TextPart[]]>)
    assert.equal(rest.length + 1, concat!.total)
  return [...alone.map((part) => [part]), ...long.values()].map(joinParts)
}

const sorted = (all: readonly string[]) => all.toSorted()

/** As they were split: a part that came with other bytes, another coding or in another place is not among them. */
const asSent = (parts: readonly TextPart[]) =>
  sorted(
    parts.map(({ userData, coding, concat }) =>
      JSON.stringify([coding, Buffer.from(userData).toString('hex'), concat]),
    ),
  )

it('any texts survive: split, carried mixed over a session by an SMSC and a client, reassembled', async (test) => {
  const submitted: SubmittedPart[] = []
  const { esme, smsc, messages } = await startPair(test, {
    smsc: {
      onSubmit(part) {
        submitted.push(part)
        return { do: 'accept' }
      },
    },
  })
  await esme.whenReady()
  await fc.assert(
    fc.asyncProperty(underWay, async ({ written, parts }) => {
      submitted.length = 0
      const before = messages.all.length
      const outcomes = await Promise.all([
        ...parts.map((part) => esme.submit({ from: NUMBER_X, to: PHONE_B, ...part })),
        ...parts.map((part) => smsc.deliver('esme', { from: PHONE_A, to: NUMBER_X, ...part })),
      ])
      for (const { state } of outcomes) assert.equal(state, 'accepted')
      for (const arrived of [submitted, messages.all.slice(before)]) {
        assert.deepEqual(sorted(reassembled(arrived)), sorted(written))
        assert.deepEqual(asSent(arrived), asSent(parts))
      }
    }),
    { numRuns: 100 },
  )
})
