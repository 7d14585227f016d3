import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { decode, joinParts, splitText, STATUS, startSmsc, type SubmittedPart } from '@maskline/smpp'
import { requirePeer } from './peers.ts'
import { startKannel } from './support/kannel.ts'
import { waitFor } from './support/wait.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'

const TEXTS = {
  'short English': 'See you at 5?',
  'long English': 'Your parcel 4711 waits at the gate of house 12. '.repeat(9).trim(),
  'short Chinese': '快递到了',
  'long Chinese': '您的快递已到小区门口，请尽快来取。'.repeat(9),
  'long emoji': '好的👍🏽👨‍👩‍👧 '.repeat(14).trim(),
} as const

/** Our SMSC and Kannel bound to it. Undefined where Kannel is missing. */
async function open(t: TestContext) {
  const bearerbox = requirePeer(t, 'bearerbox')
  if (bearerbox === undefined) return undefined
  const submitted: SubmittedPart[] = []
  const bound = Promise.withResolvers<string>()
  const smsc = await startSmsc({
    onBind: ({ systemId, password }) =>
      systemId === 'kannel' && password === 'secret' ? STATUS.ESME_ROK : STATUS.ESME_RINVPASWD,
    onEvent: (event) => void (event.kind === 'bound' && bound.resolve(event.role)),
    onSubmit(part) {
      submitted.push(part)
      return { do: 'accept', receipt: part.to === B ? 'delivered' : 'undeliverable' }
    },
  })
  t.after(() => smsc.close())
  const kannel = await startKannel(bearerbox, smsc.port)
  t.after(() => kannel.close())
  assert.equal(await bound.promise, 'transceiver')
  return { smsc, kannel, submitted }
}

describe('the SMSC with Kannel as its ESME', () => {
  test('texts submitted by Kannel arrive whole, and their receipts reach it', async (t) => {
    const opened = await open(t)
    if (opened === undefined) return
    const { kannel, submitted } = opened
    for (const [to, status] of [
      [B, 1],
      [A, 2],
    ] as const) {
      for (const [name, text] of Object.entries(TEXTS)) {
        submitted.length = 0
        const before = kannel.heard.length
        await kannel.send({ from: X, to, text, id: name.replace(' ', '-') })
        const parts = splitText(text, { reference: 0 }).length
        await waitFor(() => submitted.length >= parts, { what: `${name} from Kannel`, detail: kannel.output })
        assert.equal(joinParts(submitted), text)
        assert.ok(submitted.every((part) => part.from === X && part.to === to))
        // It wants one receipt for the whole text.
        assert.equal(submitted.filter(({ receipt }) => receipt).length, 1)
        const { coding, userData } = submitted[0]!
        assert.equal(coding, name.includes('English') ? 'gsm7' : 'ucs2')
        assert.ok(text.startsWith(decode(userData, coding)))
        const receipt = await waitFor(
          () => kannel.heard.slice(before).find(({ kind }) => kind === 'receipt'),
          { what: `a receipt of ${name}`, detail: kannel.output },
        )
        assert.deepEqual([receipt.status, receipt.id], [status, name.replace(' ', '-')])
      }
    }
  })

  test('texts of handsets come out at the program behind Kannel', async (t) => {
    const opened = await open(t)
    if (opened === undefined) return
    const { smsc, kannel } = opened
    let reference = 40
    for (const [name, text] of Object.entries({
      ...TEXTS,
      'extension table': '[€] {a|b} ~5^2 \\ '.repeat(12),
    })) {
      for (const header of ['udh8', 'udh16', 'sar'] as const) {
        const before = kannel.heard.length
        for (const part of splitText(text, { reference: ++reference, header }))
          assert.deepEqual(await smsc.deliver('kannel', { ...part, from: A, to: X }), { state: 'accepted' })
        const heard = await waitFor(() => kannel.heard.slice(before).find(({ kind }) => kind === 'text'), {
          what: `${name} by ${header} at the program`,
          detail: kannel.output,
        })
        assert.deepEqual([heard.from, heard.to, heard.text], [A, X, text], `${name} by ${header}`)
      }
    }
  })
})
