import { reads, refuses } from './case.ts'
import type { ConformanceTable } from './case.ts'

/** The 12 messages of RFC 5118, in its order; they come from an IPv6 address to an IPv6 address. */
export const RFC_5118 = {
  'ipv6-good.dat': {
    section: '4.1',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'an IPv6 reference in the Request-URI, Via and Contact',
  },
  'ipv6-bad.dat': {
    section: '4.2',
    parser: reads('REGISTER', 0, 400),
    stack: ['400 REGISTER'],
    why: 'an IPv6 address without brackets is no host',
  },
  'port-ambiguous.dat': {
    section: '4.3',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'what was meant for a port is the last group of the address: all that is in brackets is',
  },
  'port-unambiguous.dat': {
    section: '4.4',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'the port stands after the bracket',
  },
  'via-received-param-with-delim.dat': {
    section: '4.5',
    parser: reads('BYE'),
    stack: ['481 BYE'],
    why: 'received in brackets, against the grammar, must be read; the claim is put right anyway',
  },
  'via-received-param-no-delim.dat': {
    section: '4.5',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'received without brackets, as the grammar has it',
  },
  'ipv6-in-sdp.dat': {
    section: '4.6',
    parser: refuses('BAD_LENGTH', 400),
    stack: ['400 INVITE'],
    why: 'the RFC prints Content-Length 268 above a body of 251 bytes; with the right number it is taken',
  },
  'mult-ip-in-header.dat': {
    section: '4.7',
    parser: reads('BYE'),
    stack: ['481 BYE'],
    why: 'both families in the Via list; the answer goes to the port of the topmost one',
  },
  'mult-ip-in-sdp.dat': {
    section: '4.8',
    parser: reads('INVITE', 181),
    stack: ['onInvite', '100 INVITE'],
    why: 'a stream of each family; Content-Length as printed cuts the last line (RFC 3261 §18.3)',
  },
  'ipv4-mapped-ipv6.dat': {
    section: '4.9',
    parser: reads('INVITE', 236),
    stack: ['onInvite', '100 INVITE'],
    why: 'IPv4-mapped addresses in Via, Contact and SDP; Content-Length as printed cuts the last line',
  },
  'ipv6-bug-abnf-3-colons.dat': {
    section: '4.10',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'three colons, by the grammar of RFC 3261, must be tolerated',
  },
  'ipv6-correct-abnf-2-colons.dat': {
    section: '4.10',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'two colons, by the grammar of RFC 4291',
  },
} as const satisfies ConformanceTable
