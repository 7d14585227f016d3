import { readFile } from 'node:fs/promises'
import { lookup, resolveSrv } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { defaultPortOf, type SipStack } from '@maskline/sip'
import type { Config, TrunkConfig, TrunkPeer } from '../config/config.ts'
import { isInbound } from './door.ts'
import { isSecure, type Line } from './line.ts'
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

type Target = { readonly address: string; readonly port: number }

/** Tries a trunk step by step: what of it works, and where it stops. Places no call. */
export async function testTrunk(
  { config, lines }: RunningTrunk,
  options: {
    readonly stack: Pick<SipStack, 'request'>
    readonly sipHost: string
    readonly registration: RegistrationState | undefined
    /** Who may sign certificates; absent: the public roots. */
    readonly tls: Pick<Config['sip']['tls'], 'caFile' | 'verifyServers'>
  },
): Promise<TrunkTest> {
  const peers = peersOf(config)
  const perPeer = await Promise.all(
    lines.map(async (line, index) => {
      const steps = await testPeer(line, peers[index]!, config.domain, options)
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

/** Name, connection, OPTIONS; what follows a step that failed is not tried, but for OPTIONS. */
async function testPeer(
  line: Line,
  peer: TrunkPeer,
  domain: string | undefined,
  { stack, sipHost, tls }: Omit<Parameters<typeof testTrunk>[1], 'registration'>,
): Promise<TestStep[]> {
  const steps: TestStep[] = []
  const isName = isIP(peer.address) === 0
  const targets = isName ? await findTargets(peer, steps) : [{ ...peer, port: peer.port ?? 5060 }]
  if (targets.length === 0) return steps
  const { timeoutMs } = line.policy
  const { transport = 'udp' } = peer
  if (transport !== 'udp')
    for (const target of targets)
      steps.push(
        await tryConnecting(
          target,
          isName ? peer.address : domain,
          isSecure(transport) ? tls : undefined,
          timeoutMs,
        ),
      )
  steps.push(await askOptions(line, stack, sipHost, timeoutMs))
  return steps
}

/** The addresses of a host name: by SRV where the peer has no port (RFC 3263 §4.2), else by A and AAAA. */
async function findTargets(peer: TrunkPeer, steps: TestStep[]): Promise<readonly Target[]> {
  const { address, transport = 'udp' } = peer
  const port = peer.port ?? defaultPortOf(transport)
  const hosts: Target[] = []
  if (peer.port === undefined) {
    const service = transport === 'tls' ? `_sips._tcp.${address}` : `_sip._${transport}.${address}`
    const records = await resolveSrv(service).catch(() => [])
    for (const record of records.sort((a, b) => a.priority - b.priority || b.weight - a.weight))
      hosts.push({ address: record.name, port: record.port })
    const found = hosts.map((host) => `${host.address}:${host.port}`).join(', ')
    if (hosts.length > 0) steps.push({ what: `DNS ${service}`, ok: true, says: found })
  }
  if (hosts.length === 0) hosts.push({ address, port })
  const targets: Target[] = []
  for (const host of hosts) {
    const what = `DNS ${host.address}`
    try {
      const found = await lookup(host.address, { all: true })
      steps.push({ what, ok: true, says: found.map((entry) => entry.address).join(', ') })
      for (const entry of found) targets.push({ address: entry.address, port: host.port })
    } catch (error) {
      steps.push({ what, ok: false, says: `no address (${(error as NodeJS.ErrnoException).code})` })
    }
  }
  return targets
}

/** Opens a connection and closes it again; of TLS the certificate is told. */
async function tryConnecting(
  { address, port }: Target,
  /** The name that a certificate must bear. */
  serverName: string | undefined,
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
