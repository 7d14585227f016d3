import { type Laboratory, openLaboratory } from '@maskline/lab'
import type { TrunkConfig } from '@maskline/server'
import { freePorts } from './ports.ts'

export const AXB = '/rest/caas/relationnumber/partners/v1.0'

/** Each party has an address of its own, as trunks are told apart by it. */
export const CALLER_HOST = '127.0.0.2'
export const CALLEE_HOST = '127.0.0.3'

/** A laboratory whose carrier is played by sipp: calls come from `CALLER_HOST` and go to `callee`. */
export type TrunkLab = Laboratory & {
  /** Where the callee's sipp must listen. */
  readonly callee: { readonly address: string; readonly port: number }
  /** Where the platform takes calls. */
  readonly remote: { readonly address: string; readonly port: number }
  /** Binds and answers the subscriptionId; throws what the API said when it refused. */
  bind(binding: Readonly<Record<string, unknown>>): Promise<string>
}

export async function openTrunkLab(
  options: Omit<Parameters<typeof openLaboratory>[0], 'trunks'> & {
    /** Towards the callee; default UDP. */
    readonly transport?: 'udp' | 'tcp'
    readonly trunk?: Partial<TrunkConfig>
  },
): Promise<TrunkLab> {
  const callee = { address: CALLEE_HOST, port: await freePorts(CALLEE_HOST) }
  const carrier: TrunkConfig = {
    name: 'carrier',
    peer: { ...callee, transport: options.transport ?? 'udp' },
    allowFrom: [CALLER_HOST, CALLEE_HOST],
    numberFormat: 'e164',
    ...options.trunk,
  }
  // Port 0 would be one port for UDP and another for TCP.
  const MASKLINE_SIP_PORT = `${await freePorts('127.0.0.1')}`
  const lab = await openLaboratory({
    ...options,
    env: { MASKLINE_SIP_PORT, ...options.env },
    trunks: [carrier],
  })
  const { host: address, port } = lab.platform.sip
  return {
    ...lab,
    callee,
    remote: { address, port },
    async bind(binding) {
      const { body } = await lab.api('POST', AXB, binding)
      if (body.resultcode !== '0') throw new Error(`bind: ${JSON.stringify(body)}`)
      return body.subscriptionId as string
    },
  }
}
