export * from './engine.ts'
export { createEmbeddedEngine, type EmbeddedOptions } from './embedded/engine.ts'
export * from './audio/call-tones.ts'
export * from './audio/g711.ts'
export * from './audio/tones.ts'
export * from './audio/wav.ts'
export { AudioFileError, toAnnouncement } from './audio/convert.ts'
export { SPEECH_CODECS } from './sdp/codec-names.ts'
export { preferCodecs } from './sdp/prefer-codecs.ts'
export { recoverWav } from './recording/recover.ts'
export { buildRtp, parseRtp, type RtpHeader, type RtpPacket } from './rtp/rtp.ts'
export { buildTelephoneEvent, parseTelephoneEvent, type TelephoneEvent } from './rtp/telephone-event.ts'
export {
  createRtpEndpoint,
  type RtpEndpoint,
  type RtpEndpointOptions,
  type RtpRemote,
} from './endpoint/endpoint.ts'
export { endpointAnswer, endpointOffer, readRemote, type EndpointSdp } from './endpoint/endpoint-sdp.ts'
