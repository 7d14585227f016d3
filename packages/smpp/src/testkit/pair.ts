import type { TestContext } from 'node:test'
import { createEsme } from '../esme/esme.ts'
import type { Esme, EsmeEvent, EsmeOptions, IncomingPart, OutgoingPart } from '../esme/types.ts'
import type { Receipt } from '../message/receipt.ts'
import { startSmsc } from '../smsc/smsc.ts'
import type { Smsc, SmscEvent, SmscOptions, SubmitAnswer, SubmittedPart } from '../smsc/types.ts'
import { ManualClock } from './manual-clock.ts'
import { Recorder } from './recorder.ts'

export const PHONE_A = '+8613800000021'
export const PHONE_B = '+8613800000022'
export const NUMBER_X = '+8617000000001'

/** A part with a text that needs no more than one. */
export const part = (text: string): OutgoingPart => ({
  from: NUMBER_X,
  to: PHONE_B,
  userData: Buffer.from(text, 'latin1'),
  coding: 'latin1',
})

export const textOf = ({ userData }: { readonly userData: Uint8Array }): string =>
  Buffer.from(userData).toString('latin1')

/** A submit that waits for the test's answer. */
export type HeldSubmit = { readonly part: SubmittedPart; answer(answer: SubmitAnswer): void }

/** An SMSC on loopback and a client of it, on a clock that the test turns; both close with the test. */
export type TestPair = {
  readonly clock: ManualClock
  readonly smsc: Smsc
  readonly esme: Esme
  readonly esmeEvents: Recorder<EsmeEvent>
  readonly smscEvents: Recorder<SmscEvent>
  /** What the client was handed. */
  readonly messages: Recorder<IncomingPart>
  readonly receipts: Recorder<Receipt>
  /** What the SMSC was sent, when `onSubmit` was not given: the test answers each. */
  readonly submits: Recorder<HeldSubmit>
}

export async function startPair(
  test: TestContext,
  {
    esme: esmeOptions = {},
    smsc: smscOptions = {},
  }: {
    readonly esme?: Partial<EsmeOptions>
    readonly smsc?: Partial<SmscOptions>
  } = {},
): Promise<TestPair> {
  const clock = new ManualClock()
  const esmeEvents = new Recorder<EsmeEvent>()
  const smscEvents = new Recorder<SmscEvent>()
  const messages = new Recorder<IncomingPart>()
  const receipts = new Recorder<Receipt>()
  const submits = new Recorder<HeldSubmit>()
  const smsc = await startSmsc({
    onSubmit: (submitted) => new Promise((answer) => submits.push({ part: submitted, answer })),
    onEvent: smscEvents.push,
    clock,
    ...smscOptions,
  })
  const esme = createEsme({
    hosts: [{ host: '127.0.0.1', port: smsc.port }],
    systemId: 'esme',
    password: 'secret',
    onMessage: messages.push,
    onReceipt: receipts.push,
    onEvent: esmeEvents.push,
    clock,
    random: () => 0,
    ...esmeOptions,
  })
  test.after(async () => {
    smsc.drop()
    await Promise.all([esme.close(), smsc.close()])
  })
  return { clock, smsc, esme, esmeEvents, smscEvents, messages, receipts, submits }
}
