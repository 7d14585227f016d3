import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type PeerProcess, startPeer } from './peer-process.ts'
import { freePorts } from './ports.ts'
import { makeTempDir } from './temp-dir.ts'
import { waitFor } from './wait.ts'

/** What Kannel hands to the program behind it. */
export type KannelHeard = {
  readonly kind: 'text' | 'receipt'
  readonly from: string
  readonly to: string
  /** Of a text. */
  readonly text?: string
  /** Of a receipt: Kannel's `dlr-mask`, 1 delivered and 2 undeliverable. */
  readonly status?: number
  /** Of a receipt: as `send` was given it. */
  readonly id?: string
}

/** Kannel, the SMS gateway: an ESME of the SMSC at `smscPort`. */
export type Kannel = {
  /** Submits a text by its HTTP interface; the id comes back with the receipt. */
  send(sms: {
    readonly from: string
    readonly to: string
    readonly text: string
    readonly id: string
  }): Promise<void>
  readonly heard: readonly KannelHeard[]
  output(): string
  close(): Promise<void>
}

/** Starts bearerbox and smsbox on loopback; `bearerbox` is the path of the former. */
export async function startKannel(bearerbox: string, smscPort: number): Promise<Kannel> {
  const dir = makeTempDir('kannel')
  const heard: KannelHeard[] = []
  const program = createServer((request, response) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://127.0.0.1')
    const [from, to] = [query.get('from') ?? '', query.get('to') ?? '']
    if (pathname === '/receipt')
      heard.push({
        kind: 'receipt',
        from,
        to,
        status: Number(query.get('status')),
        id: query.get('id') ?? '',
      })
    else heard.push({ kind: 'text', from, to, text: textIn(request.url ?? '', query.get('coding') === '2') })
    response.end('')
  }).listen(0, '127.0.0.1')
  await once(program, 'listening')
  const { port: programPort } = program.address() as AddressInfo
  const [admin, box, sendsms] = [
    await freePorts('127.0.0.1'),
    await freePorts('127.0.0.1'),
    await freePorts('127.0.0.1'),
  ]
  const file = path.join(dir.path, 'kannel.conf')
  writeFileSync(file, settings({ admin, box, sendsms, smscPort, programPort }))
  const peers: PeerProcess[] = []
  const close = async (): Promise<void> => {
    for (const peer of peers.toReversed()) await peer.stop('SIGKILL')
    program.close()
    program.closeAllConnections()
    dir.remove()
  }
  try {
    peers.push(await startPeer({ command: bearerbox, args: [file], cwd: dir.path }))
    await answers(`http://127.0.0.1:${admin}/status.txt?password=secret`, peers[0]!)
    const smsbox = path.join(path.dirname(bearerbox), 'smsbox')
    peers.push(await startPeer({ command: smsbox, args: [file], cwd: dir.path }))
    await answers(`http://127.0.0.1:${sendsms}/`, peers[1]!)
  } catch (error) {
    await close()
    throw error
  }
  return {
    heard,
    output: () => peers.map((peer) => peer.output()).join('\n'),
    close,
    async send({ from, to, text, id }) {
      const isGsm = /^[\x20-\x7e]*$/.test(text)
      const query = new URLSearchParams({
        username: 'user',
        password: 'secret',
        charset: 'UTF-8',
        coding: isGsm ? '0' : '2',
        'dlr-mask': '3',
        'dlr-url': `http://127.0.0.1:${programPort}/receipt?status=%d&from=%p&to=%P&id=${id}`,
        from,
        to,
        text,
      })
      const answer = await fetch(`http://127.0.0.1:${sendsms}/cgi-bin/sendsms?${query}`)
      if (!answer.ok) throw new Error(`Kannel did not take the text: ${answer.status} ${await answer.text()}`)
    },
  }
}

/** The last parameter: UTF-8, or UTF-16BE byte by byte, which `URL` would spoil. */
function textIn(url: string, isUcs2: boolean): string {
  const coded = url.slice(url.lastIndexOf('=') + 1).replaceAll('+', ' ')
  const bytes = Buffer.from(
    coded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  return isUcs2 ? bytes.swap16().toString('utf16le') : bytes.toString()
}

async function answers(url: string, peer: PeerProcess): Promise<void> {
  await waitFor(
    async () => {
      if (peer.ended() !== undefined) throw new Error(`Kannel ended at its start:\n${peer.output()}`)
      return fetch(url).then(
        () => true,
        () => false,
      )
    },
    { what: `Kannel at ${url}`, detail: peer.output, timeoutMs: 20_000 },
  )
}

const settings = (
  ports: Readonly<Record<'admin' | 'box' | 'sendsms' | 'smscPort' | 'programPort', number>>,
) => `
group = core
admin-port = ${ports.admin}
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = ${ports.box}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-level = 1

group = smsc
smsc = smpp
smsc-id = maskline
host = 127.0.0.1
port = ${ports.smscPort}
smsc-username = kannel
smsc-password = secret
system-type = ""
transceiver-mode = true
source-addr-ton = 1
source-addr-npi = 1
source-addr-autodetect = yes
dest-addr-ton = 1
dest-addr-npi = 1
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = ${ports.box}
sendsms-port = ${ports.sendsms}
sendsms-interface = 127.0.0.1
log-level = 1

group = sendsms-user
username = user
password = secret
concatenation = true
max-messages = 20

group = sms-service
keyword = default
catch-all = true
concatenation = true
max-messages = 0
get-url = "http://127.0.0.1:${ports.programPort}/text?from=%p&to=%P&coding=%c&text=%b"
`
