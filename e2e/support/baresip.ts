import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { SAMPLE_RATE_HZ, writeWav } from '@maskline/media'
import { createNetstringReader, encodeNetstring } from './netstring.ts'
import { startPeer, type PeerProcess } from './peer-process.ts'
import { freePorts, isBound } from './ports.ts'
import { makeTempDir, type TempDir } from './temp-dir.ts'
import { waitFor } from './wait.ts'

export type BaresipOptions = {
  /** The account's number, `+8613800000021`. Calls to another user part are not taken. */
  readonly user: string
  /** IPv4 address for SIP, RTP and control; default 127.0.0.1. */
  readonly host?: string
  /** SIP port; default a free one. */
  readonly port?: number
  /** Over TLS it believes the authority `tls.ca` alone, and may show a certificate. */
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** PEM. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** What it says in a call, repeated for two minutes: 16 bit samples at 8 kHz mono. */
  readonly speaks: Int16Array
  /** Answers by itself; default false (`accept`). */
  readonly autoAnswer?: boolean
  readonly codec?: 'PCMA' | 'PCMU'
  /** `srtp` needs the peer to offer or take SDES (RFC 4568). */
  readonly media?: 'rtp' | 'srtp'
  /** Registers there (host:port of the registrar), refreshed by `expiresSec` (default 600). */
  readonly registrar?: {
    readonly address: string
    readonly port: number
    readonly domain?: string
    readonly password: string
    readonly expiresSec?: number
  }
}

/** An event of baresip's: `CALL_INCOMING`, `CALL_RINGING`, `CALL_ESTABLISHED`, `CALL_CLOSED`, … */
export type BaresipEvent = {
  readonly type: string
  readonly direction?: 'incoming' | 'outgoing'
  readonly peeruri?: string
  readonly peerdisplayname?: string
  readonly accountaor?: string
  readonly id?: string
  /** Why a call closed (`486 Busy Here`, `Connection reset by peer`), the digit of CALL_DTMF_START. */
  readonly param?: string
}

export type Baresip = {
  readonly user: string
  readonly address: string
  readonly port: number
  /** For a direct call: `sip:user@host:port`. */
  readonly uri: string
  /** All events so far. */
  readonly events: readonly BaresipEvent[]
  /**
   * The next event of this type that no earlier `event` call has taken, past ones included; so the order of asking
   * needs no care.
   */
  event(type: string, timeoutMs?: number): Promise<BaresipEvent>
  /** Resolves when the registrar has accepted the account; rejects when it has not within the time. */
  registered(timeoutMs?: number): Promise<void>
  dial(uri: string): Promise<void>
  accept(): Promise<void>
  hangup(): Promise<void>
  /** RFC 4733 digits, one after the other. */
  sendDigits(digits: string): Promise<void>
  /** Any command of baresip's menu. Rejects when baresip refuses it. */
  command(name: string, params?: string): Promise<string>
  /** What was heard in the last call until now, 8 kHz mono. */
  heard(): Int16Array
  /** Resolves when the last call has `seconds` of audio recorded. */
  hears(seconds: number, timeoutMs?: number): Promise<Int16Array>
  output(): string
  /** Ends calls, registration and process; removes its files. Idempotent. */
  close(): Promise<void>
}

const MODULES = '/usr/lib/baresip/modules'
/** Where the canonical 44-byte WAV header of libsndfile ends and samples begin. */
const WAV_HEADER = 44
const SPEECH_SECONDS = 120

/** Starts a baresip (1.0) of its own directory and resolves when it is under control and its SIP port is bound. */
export async function startBaresip(options: BaresipOptions): Promise<Baresip> {
  const dir = makeTempDir('baresip')
  try {
    return await start(options, dir)
  } catch (error) {
    dir.remove()
    throw error
  }
}

async function start(options: BaresipOptions, dir: TempDir): Promise<Baresip> {
  const host = options.host ?? '127.0.0.1'
  // baresip's TLS transport takes the port above the SIP port, whatever `sip_transports` says.
  const port = options.port ?? (await freePorts(host, 2))
  const controlPort = await freePorts(host)
  const rtpPorts = await freePorts(host, 16)
  writeFiles(dir.path, options, { host, port, controlPort, rtpPorts })

  const peer = await startPeer({ command: 'baresip', args: ['-f', dir.path], cwd: dir.path })
  const alive = (): boolean => {
    if (peer.ended() !== undefined) throw new Error(`baresip ended at its start:\n${peer.output()}`)
    return true
  }
  try {
    const transport = options.transport ?? 'udp'
    await waitFor(
      () =>
        alive() &&
        isBound('tcp', host, controlPort) &&
        isBound(transport === 'udp' ? 'udp' : 'tcp', host, transport === 'tls' ? port + 1 : port),
      {
        what: `baresip to bind ${host}:${port}`,
        detail: peer.output,
      },
    )
    const control = await connectControl(host, controlPort)
    return createBaresip(options, { host, port }, dir, peer, control)
  } catch (error) {
    await peer.stop()
    throw error
  }
}

function createBaresip(
  options: BaresipOptions,
  at: { host: string; port: number },
  dir: TempDir,
  peer: PeerProcess,
  control: Control,
): Baresip {
  const taken = new Set<BaresipEvent>()
  const folder = join(dir.path, 'recordings')
  const heard = (): Int16Array => {
    const newest = recordings(folder).at(-1)
    return newest === undefined ? new Int16Array(0) : samplesOf(readFileSync(newest))
  }
  /** Before a new call, so that nobody takes what the last one heard for this one's. */
  const forgetRecordings = (): void => {
    for (const path of recordings(folder)) rmSync(path)
  }
  control.onEvent((event) => {
    if (event.type === 'CALL_INCOMING') forgetRecordings()
  })
  let closing: Promise<void> | undefined
  const baresip: Baresip = {
    user: options.user,
    address: at.host,
    port: at.port,
    uri: directUri(options, at),
    events: control.events,
    async event(type, timeoutMs) {
      const event = await waitFor(() => control.events.find((e) => e.type === type && !taken.has(e)), {
        what: `${options.user}'s ${type}`,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        detail: () =>
          `${control.events.map((e) => `${e.type} ${e.param ?? ''}`).join('\n')}\n${peer.output()}`,
      })
      taken.add(event)
      return event
    },
    async registered(timeoutMs) {
      // Its first REGISTER may be answered before the control connection is there to tell of it, so ask.
      let status = ''
      await waitFor(
        async () => {
          status = await control.command('reginfo')
          // `> sip:user@domain   OK   Expires 600s`, the verdict in colour.
          return status.includes('OK ')
        },
        {
          what: `${options.user} to be registered`,
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          detail: () => `${status}\n${peer.output()}`,
        },
      )
    },
    async dial(uri) {
      forgetRecordings()
      await control.command('dial', uri)
    },
    async accept() {
      await control.command('accept')
    },
    async hangup() {
      await control.command('hangup')
    },
    async sendDigits(digits) {
      for (const digit of digits) await control.command('sndcode', digit)
    },
    command: control.command,
    heard,
    hears: (seconds, timeoutMs) =>
      waitFor(
        () => {
          const samples = heard()
          return samples.length >= seconds * SAMPLE_RATE_HZ && samples
        },
        {
          what: `${options.user} to hear ${seconds} s of audio`,
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          detail: () => `heard ${heard().length} samples\n${peer.output()}`,
        },
      ),
    output: peer.output,
    close() {
      closing ??= (async () => {
        control.close()
        // SIGTERM lets it send BYE and un-REGISTER and wait a moment for their answers.
        await peer.stop('SIGTERM')
        dir.remove()
      })()
      return closing
    },
  }
  return baresip
}

function writeFiles(
  path: string,
  options: BaresipOptions,
  at: { host: string; port: number; controlPort: number; rtpPorts: number },
): void {
  const folder = join(path, 'recordings')
  mkdirSync(folder)
  writeFileSync(
    join(path, 'speaks.wav'),
    writeWav({ encoding: 'pcm16', samples: loop(options.speaks, SPEECH_SECONDS) }),
  )
  const srtp = options.media === 'srtp'
  const config = [
    'poll_method epoll',
    `sip_listen ${at.host}:${at.port}`,
    `sip_transports ${options.transport ?? 'udp'}`,
    'audio_path /nonexistent',
    `audio_source aufile,${join(path, 'speaks.wav')}`,
    // Without a player nothing is decoded, and so nothing recorded.
    'audio_player aubridge,player',
    'audio_alert aubridge,alert',
    `ausrc_srate ${SAMPLE_RATE_HZ}`,
    `auplay_srate ${SAMPLE_RATE_HZ}`,
    'ausrc_channels 1',
    'auplay_channels 1',
    `rtp_ports ${at.rtpPorts}-${at.rtpPorts + 15}`,
    'jitter_buffer_type off',
    // An address: interface names fail for loopback.
    `net_interface ${at.host}`,
    `module_path ${MODULES}`,
    'module g711.so',
    'module aufile.so',
    'module aubridge.so',
    'module sndfile.so',
    ...(srtp ? ['module srtp.so'] : []),
    `snd_path ${folder}`,
    ...(options.tls === undefined
      ? []
      : [
          `sip_certificate ${join(path, 'own.pem')}`,
          `sip_cafile ${join(path, 'ca.pem')}`,
          'sip_verify_server yes',
        ]),
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen ${at.host}:${at.controlPort}`,
  ]
  writeFileSync(join(path, 'config'), `${config.join('\n')}\n`)
  writeFileSync(join(path, 'accounts'), `${account(options, at)}\n`)
  writeFileSync(join(path, 'contacts'), '')
  if (options.tls !== undefined) {
    writeFileSync(join(path, 'own.pem'), options.tls.key + options.tls.cert)
    writeFileSync(join(path, 'ca.pem'), options.tls.ca)
  }
}

/** Its TLS listens above its SIP port. */
function directUri({ user, transport = 'udp' }: BaresipOptions, at: { host: string; port: number }): string {
  const port = transport === 'tls' ? at.port + 1 : at.port
  return `sip:${user}@${at.host}:${port}${transport === 'udp' ? '' : `;transport=${transport}`}`
}

function account(options: BaresipOptions, at: { host: string; port: number }): string {
  const { registrar } = options
  const transport = options.transport ?? 'udp'
  const aor =
    registrar === undefined
      ? `${options.user}@${at.host}:${at.port}`
      : `${options.user}@${registrar.domain ?? `${registrar.address}:${registrar.port}`}`
  const parameters = [
    `audio_codecs=${options.codec ?? 'PCMA'}`,
    'dtmfmode=rtpevent',
    `answermode=${options.autoAnswer === true ? 'auto' : 'manual'}`,
    ...(options.media === 'srtp' ? ['mediaenc=srtp-mand'] : []),
    ...(registrar === undefined
      ? ['regint=0']
      : [
          `regint=${registrar.expiresSec ?? 600}`,
          `auth_user=${options.user}`,
          `auth_pass=${registrar.password}`,
          `outbound="sip:${registrar.address}:${registrar.port};transport=${transport}"`,
        ]),
  ]
  return `<sip:${aor};transport=${transport}>;${parameters.join(';')}`
}

type Control = {
  readonly events: readonly BaresipEvent[]
  onEvent(listener: (event: BaresipEvent) => void): void
  command(name: string, params?: string): Promise<string>
  close(): void
}
type ControlResponse = { response: true; ok: boolean; data?: string; token?: string }

async function connectControl(host: string, port: number): Promise<Control> {
  const socket: Socket = connect(port, host)
  await once(socket, 'connect')
  const read = createNetstringReader()
  const events: BaresipEvent[] = []
  let listener: (event: BaresipEvent) => void = () => {}
  const waiting = new Map<string, { resolve(data: string): void; reject(error: Error): void; name: string }>()
  let tokens = 0
  socket.on('data', (chunk: Buffer) => {
    for (const text of read(chunk)) {
      const message = JSON.parse(text) as ControlResponse | (BaresipEvent & { response?: undefined })
      if (message.response !== true) {
        events.push(message)
        listener(message)
        continue
      }
      const pending = waiting.get(message.token ?? '')
      waiting.delete(message.token ?? '')
      if (message.ok) pending?.resolve(message.data ?? '')
      else pending?.reject(new Error(`baresip refused ${pending.name}: ${message.data ?? ''}`))
    }
  })
  const fail = (error: Error): void => {
    for (const pending of waiting.values()) pending.reject(error)
    waiting.clear()
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('baresip closed its control connection')))
  return {
    events,
    onEvent: (added) => {
      listener = added
    },
    command: (name, params) =>
      new Promise((resolve, reject) => {
        const token = `${++tokens}`
        waiting.set(token, { resolve, reject, name })
        socket.write(encodeNetstring(JSON.stringify({ command: name, params: params ?? '', token })))
      }),
    close: () => socket.destroy(),
  }
}

/** `dump-*-dec.wav`: what was heard and decoded (`-enc.wav` is what was said). */
function recordings(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('-dec.wav'))
    .toSorted()
    .map((name) => join(folder, name))
}

/** The length in the header is only right once the call has ended, so what is in the file counts. */
function samplesOf(file: Buffer): Int16Array {
  const samples = new Int16Array(Math.max(0, (file.length - WAV_HEADER) >> 1))
  for (let i = 0; i < samples.length; i++) samples[i] = file.readInt16LE(WAV_HEADER + 2 * i)
  return samples
}

/** baresip falls silent at the end of its file, so the sound is repeated for as long as a test may talk. */
function loop(sound: Int16Array, seconds: number): Int16Array {
  const times = Math.max(1, Math.ceil((seconds * SAMPLE_RATE_HZ) / Math.max(1, sound.length)))
  const long = new Int16Array(sound.length * times)
  for (let i = 0; i < times; i++) long.set(sound, i * sound.length)
  return long
}
