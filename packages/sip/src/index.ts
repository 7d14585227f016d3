export type * from './message/message.ts'
export type * from './transport/address.ts'
export { createTlsSource } from './transport/tls-source.ts'
export type { TlsIdentity, TlsSource, TlsSourceOptions } from './transport/tls-source.ts'
export type * from './core/types.ts'
export { parseMessage, DEFAULT_LIMITS } from './message/parse.ts'
export type { FaultCode, ParseFault, ParseLimits, ParseResult } from './message/parse.ts'
export { faultInFields } from './message/validate.ts'
export { StreamFramer } from './message/framing.ts'
export type { FramedItem } from './message/framing.ts'
export { serializeMessage } from './message/serialize.ts'
export { NO_BODY } from './message/message.ts'
export { allHeaders, header, headerValues, splitValues } from './message/headers.ts'
export { knownName } from './message/header-names.ts'
export { formatHostPort } from './message/host-port.ts'
export { textToWire, wireToText } from './message/chars.ts'
export type { Params } from './message/params.ts'
export { escapeUser, formatUri, parseUri, schemeOf, sipUriEquals, unescapeUser } from './message/uri.ts'
export type { SipUri } from './message/uri.ts'
export { parseNameAddr, quoteDisplay, tagOf, withTag } from './message/name-addr.ts'
export type { NameAddr } from './message/name-addr.ts'
export { MAGIC_COOKIE, branchOf, parseVia, stampVia, topVia } from './message/via.ts'
export type { Via } from './message/via.ts'
export { parseCSeq } from './message/cseq.ts'
export type { CSeq } from './message/cseq.ts'
export { REASON_PHRASES, response } from './message/build.ts'
export type { BuildResponseOptions } from './message/build.ts'
export {
  authorize,
  challengeHeader,
  ha1,
  parseChallenge,
  parseCredentials,
  verifyCredentials,
} from './auth/digest.ts'
export type {
  AuthorizeOptions,
  ChallengeOptions,
  DigestAlgorithm,
  DigestChallenge,
  DigestCredentials,
  VerifyOptions,
} from './auth/digest.ts'
export { NonceFactory } from './auth/nonce.ts'
export type { NonceOptions, NonceVerdict } from './auth/nonce.ts'
export { createGuard } from './guard/guard.ts'
export type { DigestWatch, Guard, GuardOptions, GuardStats } from './guard/guard.ts'
export type { Ban, Offence } from './guard/ban-list.ts'
export { createOverload } from './guard/overload.ts'
export type { LoopView, Overload, OverloadOptions } from './guard/overload.ts'
export { allowOf } from './core/allow.ts'
export { forkOf } from './ua/fork.ts'
export { createSipStack } from './ua/stack.ts'
export { createRegistration } from './ua/registration.ts'
export type { OutboundRegistration, OutboundState, RegistrationOptions } from './ua/registration.ts'
export { TimerWheel } from './transaction/clock.ts'
export { defaultPortOf } from './transport/default-port.ts'
export type { OpenTransport, SendFailure, Transport, TransportSink } from './transport/transport.ts'
export { createAuthenticator } from './registrar/authenticator.ts'
export type { AuthVerdict, Authenticator, AuthenticatorOptions } from './registrar/authenticator.ts'
export { createRegistrar } from './registrar/registrar.ts'
export type { Registrar, RegistrarOptions, Registration } from './registrar/registrar.ts'
