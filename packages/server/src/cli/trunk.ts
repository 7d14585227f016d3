import { createSipStack } from '@maskline/sip'
import { advertisedHost } from '../config/advertised.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../shared/app-error.ts'
import { silentLog } from '../shared/log.ts'
import { sipListeners } from '../sip-listeners.ts'
import { systemClock } from '../shared/time.ts'
import { unknownTrunk } from '../shared/unknown-trunk.ts'
import type { TrunkReport } from '../trunks/report.ts'
import { testTrunk, type TrunkTest } from '../trunks/trunk-test.ts'
import { createTrunks } from '../trunks/trunks.ts'
import { type CommandIo, listing, need, readCommand, step, table, usage } from './admin-client.ts'

/** `maskline trunk list | test NAME`. The code of a test is 0 only when everything of the trunk works. */
export async function runTrunk(args: string[], env: NodeJS.ProcessEnv, io: CommandIo): Promise<number> {
  const { words, client, config } = readCommand(args, env, { options: [], words: { list: 1, test: 2 } })
  switch (need(words, 0, 'what to do with trunks')) {
    case 'list': {
      const { trunks } = (await client.json('GET', '/v1/trunks')) as { trunks: TrunkReport[] }
      const none = 'There are no trunks; they are configured under sip.trunks.'
      const heads = ['TRUNK', 'IN', 'OUT', 'REGISTRATION', 'PEER', 'STATE']
      io.stdout.write(listing(heads, trunks.flatMap(rowsOf), none))
      return 0
    }
    case 'test': {
      const name = need(words, 1, 'the name of the trunk')
      const tested = await client
        .json('POST', `/v1/trunks/${step(name)}/test`)
        .then((json) => json as unknown as TrunkTest)
        .catch((error: unknown) => {
          if (!(error instanceof AppError) || !NOT_RUNNING.has(error.code)) throw error
          io.stdout.write(
            'No platform runs on this data folder: the trunk is tested from a port of its own.\n',
          )
          return testAlone(config, name)
        })
      io.stdout.write(
        table(
          ['STEP', '', 'RESULT'],
          tested.steps.map(({ what, ok, says }) => [what, ok ? 'ok' : 'FAILED', says]),
        ),
      )
      io.stdout.write(`${tested.summary}\n`)
      return tested.works ? 0 : 1
    }
    default:
      throw usage(`trunk does not know "${words[0]}"`)
  }
}

const NOT_RUNNING: ReadonlySet<string> = new Set(['NO_PLATFORM', 'NO_DATA'])

/** One row a peer; a trunk that only takes calls has one too. */
function rowsOf({ name, channels, registration, peers }: TrunkReport): string[][] {
  const { most } = channels
  const of = (used: number, limit: number | undefined): string =>
    limit === undefined ? `${used}` : `${used}/${limit}`
  const start = [
    name,
    of(channels.in, most.in ?? most.total),
    of(channels.out, most.out ?? most.total),
    registration ?? '',
  ]
  if (peers.length === 0) return [[...start, '', '']]
  return peers.map(({ peer, state }, index) => [
    ...(index === 0 ? start : ['', '', '', '']),
    peer,
    state.replace('-', ' '),
  ])
}

/** Without a platform: what needs none. A carrier that asks for our port sees another one here. */
async function testAlone(config: Config, name: string): Promise<TrunkTest> {
  const { sip } = config
  const sipHost = advertisedHost(sip.host, sip.publicHost)
  const { trunks } = createTrunks({
    trunks: sip.trunks,
    phones: undefined,
    guard: { check: () => false, ask() {} },
    sipHost,
    clock: systemClock,
    chance: Math.random,
    log: silentLog,
  })
  const trunk = trunks.find((each) => each.config.name === name)
  if (trunk === undefined)
    throw unknownTrunk(
      name,
      trunks.map((each) => each.config.name),
    )
  const { listen } = await sipListeners(config, systemClock)
  const stack = await createSipStack({
    // As the platform would, from where it would, but from ports that are free.
    listen: listen.map((each) => ({ ...each, port: 0 })),
    publicHost: sipHost,
    handlers: { onInvite: (call) => call.rejectStateless(503) },
  })
  try {
    const registration = trunk.config.register && { kind: 'failed' as const, why: 'no platform runs' }
    return await testTrunk(trunk, { stack, sipHost, registration, tls: sip.tls })
  } finally {
    await stack.close()
  }
}
