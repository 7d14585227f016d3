import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Hop, SipStack } from '@maskline/sip'
import type { Config, TrunkConfig, TrunkPeer } from '../config/config.ts'
import { isInbound } from './door.ts'
import { labelOf, type Line } from './line.ts'
import { peersOf } from './peers.ts'
import type { RegistrationState } from './registrations.ts'
import type { RunningTrunk } from './trunks.ts'
import { isHeard, optionsTo } from './watch.ts'

/** One thing that was tried. */
export type TestStep = { readonly what: string; readonly ok: boolean; readonly says: string }
export type TrunkTest = {
  readonly trunk: string
  readonly works: boolean
  readonly steps: readonly TestStep[]
  /** One sentence for who is in a hurry. */
  readonly summary: string
}

/** Tries a trunk step by step: what of it works, and where it stops. Places no call. */
export async function testTrunk(
  { config, lines }: RunningTrunk,
  options: {
    readonly stack: Pick<SipStack, 'locate' | 'request'>
    readonly sipHost: string
    readonly registration: RegistrationState | undefined
    /** Who may sign certificates; absent: the public roots. */
    readonly tls: Pick<Config['sip']['tls'], 'caFile' | 'verifyServers'>
  },
): Promise<TrunkTest> {
  const peers = peersOf(config)
  const perPeer = await Promise.all(
    lines.map(async (line, index) => {
      const steps = await testPeer(line, peers[index]!, options)
      return { steps, ok: steps.every(({ ok }) => ok) }
    }),
  )
  const steps = [configurationStep(config), ...perPeer.flatMap((peer) => peer.steps)]
  const { registration } = options
  if (registration !== undefined) steps.push(registrationStep(registration))
  const works = steps.every(({ ok }) => ok)
  const answering = perPeer.filter(({ ok }) => ok).length
  return { trunk: config.name, works, steps, summary: summaryOf(config.name, works, answering, steps) }
}

function summaryOf(name: string, works: boolean, answering: number, steps: readonly TestStep[]): string {
  if (works) return `${name} works.`
  const first = steps.find(({ ok }) => !ok)!
  const part = answering > 0 ? `${name} works in part: ` : `${name} does not work: `
  return `${part}${first.what}: ${first.says}.`
}

function configurationStep(config: TrunkConfig): TestStep {
  const { allowFrom, tlsNames = [], inboundUsername } = config
  const conditions = [
    ...(allowFrom.length > 0 ? [`from ${allowFrom.join(', ')}`] : []),
    ...(tlsNames.length > 0 ? [`with a certificate of ${tlsNames.join(', ')}`] : []),
    ...(inboundUsername === undefined ? [] : ['with digest']),
  ]
  const count = peersOf(config).length
  const takes = isInbound(config) ? `calls in ${conditions.join(', ')}` : 'no calls in'
  const sends = count === 0 ? 'no calls out' : `calls out to ${count} ${count === 1 ? 'peer' : 'peers'}`
  return { what: 'configuration', ok: isInbound(config) || count > 0, says: `${takes}; ${sends}` }
}

const registrationStep = ({ kind, why }: RegistrationState): TestStep => ({
  what: 'registration',
  ok: kind === 'registered',
  says: kind === 'registered' ? 'registered' : `not registered${why === undefined ? '' : `: ${why}`}`,
})

/** Name, connection, OPTIONS; without an address nothing more is tried. */
async function testPeer(
  line: Line,
  peer: TrunkPeer,
  { stack, sipHost, tls }: Omit<Parameters<typeof testTrunk>[1], 'registration'>,
): Promise<TestStep[]> {
  const steps: TestStep[] = []
  // Found as calls find it: NAPTR, SRV and addresses.
  const hops = line.hop === undefined ? await stack.locate(line.uri) : [line.hop]
  if (line.hop === undefined) {
    const says = hops.length > 0 ? hops.map(labelOf).join(', ') : 'no address'
    steps.push({ what: `DNS ${peer.address}`, ok: hops.length > 0, says })
  }
  if (hops.length === 0) return steps
  const { timeoutMs } = line.policy
  for (const hop of hops)
    if (hop.transport !== 'udp')
      steps.push(await tryConnecting(hop, hop.transport === 'tls' ? tls : undefined, timeoutMs))
  steps.push(await askOptions(line, stack, sipHost, timeoutMs))
  return steps
}

/** Opens a connection and closes it again; of TLS the certificate is told. */
async function tryConnecting(
  /** With the name that a certificate must bear. */
  { address, port, serverName }: Hop,
  /** Absent: a plain connection. */
  tls: { readonly caFile?: string; readonly verifyServers: boolean } | undefined,
  timeoutMs: number,
): Promise<TestStep> {
  const what = `${tls === undefined ? 'TCP' : 'TLS'} ${address}:${port}`
  const ca = await authoritiesOf(tls?.caFile)
  if ('fault' in ca) return { what, ok: false, says: ca.fault }
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const done = (ok: boolean, says: string): void => {
      socket.destroy()
      resolve({ what, ok, says })
    }
    const connected = (): void => {
      const took = `in ${Math.round(performance.now() - startedAt)} ms`
      if (tls === undefined) return done(true, `connected ${took}`)
      const { ok, says } = certificateOf(socket as TLSSocket)
      done(ok || !tls.verifyServers, `connected ${took}, ${says}`)
    }
    const name = serverName === undefined ? {} : { servername: serverName }
    const socket = tls
      ? connectTls({ host: address, port, ...name, ...ca, rejectUnauthorized: false }, connected)
      : connect({ host: address, port }, connected)
    socket.setTimeout(timeoutMs, () => done(false, `no connection in ${timeoutMs} ms`))
    socket.once('error', (error: NodeJS.ErrnoException) => done(false, error.code ?? error.message))
  })
}

/** Who may sign a peer's certificate; nothing stands for the public roots. */
async function authoritiesOf(file: string | undefined): Promise<{ ca?: Buffer } | { fault: string }> {
  if (file === undefined) return {}
  try {
    return { ca: await readFile(file) }
  } catch (error) {
    return { fault: `sip.tls.caFile ${file} cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}

function certificateOf(socket: TLSSocket): { readonly ok: boolean; readonly says: string } {
  const { subject, valid_to: until } = socket.getPeerCertificate()
  const named = `certificate of ${String(subject?.CN ?? 'no name')} until ${until}`
  if (socket.authorized) return { ok: true, says: named }
  return { ok: false, says: `${named}, which is not trusted (${String(socket.authorizationError)})` }
}

function askOptions(
  line: Line,
  stack: Pick<SipStack, 'request'>,
  sipHost: string,
  timeoutMs: number,
): Promise<TestStep> {
  const what = `OPTIONS ${line.peer}`
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const timer = setTimeout(
      () => resolve({ what, ok: false, says: `no answer in ${timeoutMs} ms` }),
      timeoutMs,
    )
    stack.request(optionsTo(line, sipHost), (response) => {
      clearTimeout(timer)
      const took = Math.round(performance.now() - startedAt)
      if (!isHeard(response)) return resolve({ what, ok: false, says: 'it could not be sent' })
      const answer = `${response.status} ${response.reason}`.trim()
      const ok = line.policy.alive(response.status)
      resolve({ what, ok, says: `${answer} in ${took} ms${ok ? '' : ', which does not count as alive'}` })
    })
  })
}
