import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startPeer } from './peer-process.ts'
import { waitFor } from './wait.ts'

/** What the SMSC tells; see smsc.pl. */
export type SmscTold = { readonly event: string } & Readonly<Record<string, unknown>>

/** An SMSC in Perl. */
export type PerlSmsc = {
  readonly port: number
  /** What it has told so far. */
  readonly told: readonly SmscTold[]
  command(command: { readonly do: string } & Readonly<Record<string, unknown>>): void
  /** The first event of that kind from `from` on, past or to come. */
  next(event: string, from?: number): Promise<SmscTold>
  close(): Promise<void>
}

/** Starts smsc.pl and gives it once it listens. */
export async function startPerlSmsc(perl: string): Promise<PerlSmsc> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const process = await startPeer({
    command: perl,
    args: [join(import.meta.dirname, 'smsc.pl'), String(port)],
  })
  const control = (await once(server, 'connection'))[0] as Socket
  server.close()
  const told: SmscTold[] = []
  createInterface(control).on('line', (line) => told.push(JSON.parse(line) as SmscTold))
  const next = (event: string, from = 0): Promise<SmscTold> =>
    waitFor(() => told.slice(from).find((one) => one.event === event), {
      what: `"${event}" of the SMSC`,
      detail: () => process.output(),
    })
  return {
    port: (await next('listening')).port as number,
    told,
    command: (command) => void control.write(`${JSON.stringify(command)}\n`),
    next,
    async close() {
      control.destroy()
      await process.stop()
    },
  }
}
