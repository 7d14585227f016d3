/** For tests of what is built on the media engine: real parties on loopback, and tones to tell who hears whom. */
export {
  createRtpEndpoint,
  type RtpEndpoint,
  type RtpEndpointOptions,
  type RtpRemote,
} from '../endpoint/endpoint.ts'
export { endpointAnswer, endpointOffer, readRemote, type EndpointSdp } from '../endpoint/endpoint-sdp.ts'
export { generateTone, goertzel, toneAmplitudes, toneRuns, type ToneRun } from '../audio/tones.ts'
export { startEndpoint, startEngine, until } from './call.ts'
