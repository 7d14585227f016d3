import { systemClock } from '../shared/clock.ts'
import type { MessageBody } from '../pdu/pdu.ts'
import { isThrottled } from '../pdu/status.ts'
import type { Connection } from './connection.ts'
import { openConnections } from './open-connections.ts'
import { outcomeOf, submitBody } from './outgoing.ts'
import { createPace } from './pace.ts'
import type { Esme, EsmeOptions, OutgoingPart, SubmitOutcome } from './types.ts'

/** A part that waits for its turn. */
type Waiting = {
  readonly order: number
  readonly since: number
  readonly part: OutgoingPart
  readonly body: MessageBody
  readonly settle: (outcome: SubmitOutcome) => void
  /** The status with which it was throttled, if it ever was. */
  refusal?: SubmitOutcome
}

/**
 * The client of one SMSC. Connects at once and stays connected until it is closed; parts go out on the connection with the
 * most room. A part that went out is never sent again, unless the SMSC refused it as too fast.
 */
export function createEsme(options: EsmeOptions): Esme {
  const {
    clock = systemClock,
    patienceMs = 60_000,
    queueLimit = 10_000,
    onEvent = () => {},
    onLateOutcome = () => {},
  } = options
  refuseUnwritable(options)
  const pace = createPace(options.maxPerSecond, clock, pump)
  const queue: Waiting[] = []
  const readers: { resolve(): void; reject(error: Error): void }[] = []
  let order = 0
  let closing = false
  const connections = openConnections(options, clock, {
    onChange: pump,
    onEvent: (event) => apart(() => onEvent(event)),
  })
  const isUp = () => connections.some((connection) => connection.isUp)

  function submit(part: OutgoingPart): Promise<SubmitOutcome> {
    if (closing || !isUp() || queue.length >= queueLimit) return Promise.resolve({ state: 'unsent' })
    const made = submitBody(part, options)
    if ('outcome' in made) return Promise.resolve(made.outcome)
    return new Promise((settle) => {
      queue.push({ order: order++, since: clock.now(), part, body: made.body, settle })
      pump()
    })
  }

  /** Sends what can go out now, and gives back what can go out no more. */
  function pump(): void {
    if (isUp()) endWaiting()
    else giveBack()
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      if (clock.now() - next.since >= patienceMs) {
        settleUnsent(queue.shift()!)
        continue
      }
      const connection = roomiest()
      if (connection === undefined || !pace.take()) return
      void send(queue.shift()!, connection)
    }
  }

  function endWaiting(): void {
    for (const { resolve, reject } of readers.splice(0)) {
      if (closing) reject(new Error('the SMPP client is closed'))
      else resolve()
    }
  }

  function roomiest(): Connection | undefined {
    let best: Connection | undefined
    for (const connection of connections) {
      if (connection.room > (best?.room ?? 0)) best = connection
    }
    return best
  }

  function giveBack(): void {
    for (const waiting of queue.splice(0)) settleUnsent(waiting)
  }

  const settleUnsent = ({ refusal, settle }: Waiting): void => settle(refusal ?? { state: 'unsent' })

  async function send(waiting: Waiting, connection: Connection): Promise<void> {
    const { part, body, settle } = waiting
    const reply = await connection.submit(body, (pdu) =>
      apart(() => onLateOutcome(part, outcomeOf(pdu, options))),
    )
    switch (reply.kind) {
      case 'unsent':
        putBack(waiting)
        break
      case 'lost':
        settle({ state: 'unknown' })
        break
      case 'response': {
        const outcome = outcomeOf(reply.pdu, options)
        if (isThrottled(reply.pdu.status)) putBack({ ...waiting, refusal: outcome })
        else settle(outcome)
        connection.heed(reply.pdu.status)
      }
    }
    pump()
  }

  /** To where it was in the order. */
  function putBack(waiting: Waiting): void {
    if (closing) return settleUnsent(waiting)
    const at = queue.findIndex((other) => other.order > waiting.order)
    queue.splice(at === -1 ? queue.length : at, 0, waiting)
  }

  return {
    submit,
    whenReady: () =>
      new Promise((resolve, reject) => {
        readers.push({ resolve, reject })
        if (closing || isUp()) endWaiting()
      }),
    state: () => ({ queued: queue.length, connections: connections.map((connection) => connection.state()) }),
    async close() {
      closing = true
      giveBack()
      endWaiting()
      pace.close()
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}

/**
 * Calls a handler of the user's. What it throws is an error of its own, not one of the socket that was being read: it goes
 * where uncaught errors go.
 */
function apart(run: () => void): void {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** @throws {RangeError} when an option can never be written into a PDU */
function refuseUnwritable(options: EsmeOptions): void {
  for (const name of ['systemId', 'password', 'systemType', 'addressRange', 'serviceType'] as const) {
    if (!/^[\x20-\x7e]*$/.test(options[name] ?? '')) throw new RangeError(`SMPP: ${name} must be ASCII text`)
  }
  if (options.hosts.length === 0) throw new RangeError('SMPP: hosts is empty')
}
