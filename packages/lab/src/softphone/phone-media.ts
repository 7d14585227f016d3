import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { buildRtp, createRtpEndpoint, type RtpEndpoint } from '@maskline/media'

/** RTP endpoint of one call, with an ear on the RTCP port above it (RFC 3550 §11). */
export type PhoneMedia = {
  readonly endpoint: RtpEndpoint
  /** Frees the ports; what was heard stays readable. Idempotent. */
  close(): Promise<void>
}

/** Ports are handed out by the kernel, so the one above may be taken: then the next pair is tried. */
const ATTEMPTS = 20

/** `onBytes` gets each RTP and RTCP packet that comes. */
export async function openPhoneMedia(
  host: string,
  onBytes: (bytes: Buffer) => void,
  onAudio: () => void,
): Promise<PhoneMedia> {
  for (let attempt = 1; ; attempt++) {
    const endpoint = await createRtpEndpoint({
      host,
      onPacket({ payload, ...header }) {
        onBytes(buildRtp(header, payload))
        // The endpoint decodes after this call returns.
        queueMicrotask(onAudio)
      },
    })
    const rtcp = createSocket('udp4')
    try {
      rtcp.bind(endpoint.localPort + 1, host)
      await once(rtcp, 'listening')
    } catch (error) {
      await endpoint.close()
      rtcp.close()
      if (attempt === ATTEMPTS) throw error
      continue
    }
    rtcp.on('message', onBytes)
    rtcp.on('error', () => undefined)
    let closed: Promise<void> | undefined
    return { endpoint, close: () => (closed ??= closeBoth(endpoint, rtcp)) }
  }
}

function closeBoth(endpoint: RtpEndpoint, rtcp: Socket): Promise<void> {
  rtcp.close()
  return endpoint.close()
}
