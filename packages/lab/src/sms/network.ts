import { randomBytes } from 'node:crypto'
import {
  type DeliverOutcome,
  type Receipt,
  type SmscEvent,
  splitText,
  startSmsc,
  STATUS,
  statusName,
  type SubmitAnswer,
  type SubmittedPart,
} from '@maskline/smpp'
import { createHandset, type NetworkHandset } from './handset.ts'
import type { SmsNetwork, SmsNetworkOptions } from './types.ts'

/** Starts a mobile network for demos and tests: real SMPP towards the platform, handsets behind it. */
export async function startSmsNetwork(options: SmsNetworkOptions = {}): Promise<SmsNetwork> {
  const { host = '127.0.0.1', countryCode = '86', everyNumber = false, onText, onBound } = options
  // SMPP has room for eight characters.
  const account = options.account ?? { systemId: 'maskline', password: randomBytes(4).toString('hex') }
  const handsets = new Map<string, NetworkHandset>()
  const owed = new Set<Promise<unknown>>()
  const waiting = new Set<() => void>()
  let [texts, ids] = [0, 0]
  let wasBound = false

  const smsc = await startSmsc({
    host,
    port: options.port ?? 0,
    numbers: { countryCode },
    onBind: ({ systemId, password }) =>
      systemId === account.systemId && password === account.password
        ? STATUS.ESME_ROK
        : STATUS.ESME_RINVPASWD,
    onSubmit,
    onEvent,
  })

  const globalForm = (number: string): string =>
    /^\d{9,}$/.test(number) ? `+${countryCode}${number}` : number

  function handsetOf(number: string): NetworkHandset {
    const known = handsets.get(number)
    if (known !== undefined) return known
    const made = createHandset(
      number,
      (to, text) => send(number, globalForm(to), text),
      (text) => onText?.(made.handset, text),
    )
    handsets.set(number, made)
    return made
  }

  async function send(from: string, to: string, text: string): Promise<void> {
    const parts = splitText(text, { reference: ++texts })
    for (const [i, part] of parts.entries()) {
      const outcome = await smsc.deliver(account.systemId, { ...part, from, to })
      if (outcome.state !== 'accepted')
        throw new Error(`SMS ${i + 1} of ${parts.length} was not taken: ${why(outcome)}`)
    }
  }

  function onSubmit(part: SubmittedPart): SubmitAnswer {
    const receiver = everyNumber ? handsetOf(part.to) : handsets.get(part.to)
    if (receiver === undefined) return { do: 'refuse', status: STATUS.ESME_RINVDSTADR }
    const messageId = String(++ids)
    const state = receiver.take(part) ? 'delivered' : 'undeliverable'
    if (part.receipt) oweReceipt({ messageId, state }, part)
    return { do: 'accept', messageId }
  }

  function oweReceipt(receipt: Receipt, part: SubmittedPart): void {
    const told = Promise.withResolvers<unknown>()
    owed.add(told.promise)
    void told.promise.then(() => owed.delete(told.promise))
    // The response to the submit has been written by then.
    setImmediate(() => told.resolve(smsc.sendReceipt(part.systemId, receipt, part)))
  }

  const isBound = (): boolean => smsc.binds().some(({ role }) => role !== 'transmitter')

  function onEvent({ kind }: SmscEvent): void {
    if (kind === 'fault') return
    // The response to the bind has been written, and who is gone is off the list, by then.
    setImmediate(() => {
      const bound = isBound()
      if (bound === wasBound) return
      wasBound = bound
      if (bound) for (const tell of waiting) tell()
      onBound?.(bound)
    })
  }

  return {
    port: smsc.port,
    access: { ...account, hosts: [{ host, port: smsc.port }] },
    handset: (number) => handsetOf(globalForm(number)).handset,
    bound(timeoutMs = 10_000) {
      if (wasBound) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const settle = (how: () => void): void => {
          waiting.delete(tell)
          clearTimeout(timer)
          how()
        }
        const tell = (): void => settle(resolve)
        const timer = setTimeout(() => settle(() => reject(new Error('no platform has bound'))), timeoutMs)
        waiting.add(tell)
      })
    },
    async receiptsTold() {
      while (owed.size > 0) await Promise.all(owed)
    },
    drop: () => smsc.drop(),
    async close() {
      await smsc.close()
      for (const { close } of handsets.values()) close()
    },
  }
}

function why(outcome: Exclude<DeliverOutcome, { readonly state: 'accepted' }>): string {
  switch (outcome.state) {
    case 'refused':
      return `refused with ${statusName(outcome.status)}`
    case 'unsent':
      return 'no platform is bound'
    case 'unknown':
      return 'the connection broke before an answer'
    default:
      return outcome satisfies never
  }
}
