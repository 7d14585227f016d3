import { splitText } from '@maskline/smpp'
import { extraOf, type SmsEvent } from '../../customer/sms-body.ts'
import { startSmsNetwork } from '../../sms/network.ts'
import type { Handset, SmsNetwork } from '../../sms/types.ts'
import { type Laboratory, type LaboratoryOptions, openLaboratory } from '../laboratory.ts'
import type { Narrator } from '../narrator.ts'
import { type Ask, asking, dialled, PEOPLE } from '../story.ts'

/** What the demos of SMS are told with: people with a handset, texts through X, and what the customer is told of them. */

export type Texter = { readonly name: string; readonly number: string; readonly handset: Handset }

export type SmsStory = {
  readonly tell: Narrator
  readonly lab: Laboratory
  readonly network: SmsNetwork
  /** The people of the story, each with a handset. */
  readonly people: Readonly<Record<keyof typeof PEOPLE, Texter>>
  readonly ask: Ask
  /** Checks what the customer is told of the SMS that was sent last. */
  told(expected: Told): Promise<SmsEvent>
}

/** A Notify as it is expected (spec/sms.md sections 3 and 4). */
export type Told = {
  readonly from: Texter
  /** Absent: the customer is told of no receiver. */
  readonly to?: Texter | undefined
  readonly text: string
  /** sendResult. */
  readonly result: number
  /** splitNum. */
  readonly segments: number
  readonly direction: number
}

/** Opens a network and a laboratory that is bound to it, runs a story in them and closes both, whatever happens. */
export async function inSmsLaboratory(
  tell: Narrator,
  options: LaboratoryOptions,
  run: (story: SmsStory) => Promise<void>,
): Promise<void> {
  const network = await startSmsNetwork()
  try {
    const lab = await openLaboratory({ ...options, smscs: [network.access] })
    try {
      await network.bound()
      tell.say(`The platform is bound to an SMSC at 127.0.0.1:${network.port} over SMPP 3.4.`)
      await tellSmsStory(tell, network, lab, run)
    } finally {
      await lab.close()
    }
  } finally {
    await network.close()
  }
}

async function tellSmsStory(
  tell: Narrator,
  network: SmsNetwork,
  lab: Laboratory,
  run: (story: SmsStory) => Promise<void>,
): Promise<void> {
  const { customer } = lab
  const ids = new Set<string>()
  const notified = (): readonly SmsEvent[] =>
    customer.sms.filter(({ notificationMode }) => notificationMode === 'Notify')
  const texter = (name: keyof typeof PEOPLE): Texter => {
    const { number } = PEOPLE[name]
    return { name, number, handset: network.handset(number) }
  }
  const story: SmsStory = {
    tell,
    lab,
    network,
    people: { A: texter('A'), B: texter('B'), C: texter('C') },
    ask: asking(tell, lab),
    async told(expected) {
      await customer.waitFor(() => notified().length > ids.size, 'the Notify of the SMS')
      const sms = notified().find(({ smsIdentifier }) => !ids.has(smsIdentifier))!
      ids.add(sms.smsIdentifier)
      const { from, to, text, result, segments, direction } = expected
      const isSo =
        sms.sendResult === result &&
        extraOf(sms, 'splitNum') === segments &&
        extraOf(sms, 'direction') === direction &&
        sms.calling === from.number &&
        sms.called === to?.number &&
        sms.smsContent === text
      tell.check(
        `the customer is told: sendResult ${result}, ${segments} SMS sent, from ${from.name}${to ? ` to ${to.name}` : ''}`,
        isSo,
        isSo ? undefined : JSON.stringify(sms),
      )
      return sms
    },
  }
  await run(story)
  tell.step('What the customer’s server says')
  tell.check('every push was signed and well formed', customer.faults.length === 0, customer.faults[0])
  tell.check(`${ids.size} SMS, ${ids.size} Notifies, each once`, notified().length === ids.size)
}

export type Sent = {
  readonly from: Texter
  readonly to: Texter
  /** X. */
  readonly number: string
  readonly text: string
  readonly direction: number
}

/** Somebody writes to X, another gets it from X, and the customer is told. `shows` is what is read, where it is not what was written. */
export async function texted(
  story: SmsStory,
  { shows, ...sent }: Sent & { readonly shows?: string },
): Promise<SmsEvent> {
  const { tell, told } = story
  const { from, to, number, text, direction } = sent
  const before = to.handset.inbox.length
  await write(tell, from, number, text)
  const read = shows ?? text
  const sms = await told({ from, to, text, result: 0, segments: smsIn(read), direction })
  // The network has taken it before the customer is told.
  const got = to.handset.inbox.slice(before)
  for (const each of got) tell.say(`${to.name} reads, from ${dialled(each.from)}:  ┃ ${each.text} ┃`)
  tell.check(
    `${to.name} got ${shows === undefined ? 'it character for character' : 'just that'}, once, from X`,
    got.length === 1 && got[0]!.text === read && got[0]!.from === number,
    `${got[0]?.parts ?? 0} SMS over SMPP`,
  )
  return sms
}

/** Somebody writes to X, nobody gets it, and the customer is told why. */
export async function untexted(
  story: SmsStory,
  { result, to, ...sent }: Omit<Sent, 'to'> & { readonly result: number; readonly to?: Texter },
): Promise<void> {
  const { tell, told, people } = story
  const inboxes = (): string =>
    Object.values(people)
      .map(({ handset }) => handset.inbox.length)
      .join()
  const before = inboxes()
  const { from, number, text, direction } = sent
  await write(tell, from, number, text)
  await told({ from, to, text, result, segments: 0, direction })
  tell.check('no handset got anything', inboxes() === before)
}

/** Writes a text, and says so. */
export async function write(tell: Narrator, from: Texter, to: string, text: string): Promise<void> {
  tell.say(`${from.name} writes to ${dialled(to)}:  ┃ ${text} ┃`)
  await from.handset.send(dialled(to), text)
}

const smsIn = (text: string): number => splitText(text, { reference: 0 }).length

/** Checks that a handset, which has got texts, has never seen a trace of a number. */
export function checkHidden(tell: Narrator, hidden: Texter, { name, handset }: Texter): void {
  const received = handset.received()
  tell.check(
    `nothing of ${hidden.name}’s number in the ${received.length} characters that ${name}’s handset received`,
    received.length > 0 && !received.includes(dialled(hidden.number)),
    'senders and user data searched, as bytes and as text',
  )
}
