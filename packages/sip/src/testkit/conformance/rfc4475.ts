import { reads, refuses } from './case.ts'
import type { ConformanceTable } from './case.ts'

const TAKEN = ['onInvite', '100 INVITE'] as const
/** A response that fits nothing changes nothing: the request goes on being repeated. */
const INVITE_GOES_ON = ['INVITE', 'INVITE'] as const

/** The 49 messages of RFC 4475, in its order. */
export const RFC_4475 = {
  // 3.1.1 Valid messages
  'wsinv.dat': {
    section: '3.1.1.1',
    parser: reads('INVITE', 150),
    stack: ['481 INVITE'],
    why: 'blanks and folds wherever the grammar allows them; its To has a tag of no dialog of ours (RFC 3261 §12.2.2)',
  },
  'intmeth.dat': {
    section: '3.1.1.2',
    parser: reads("!interesting-Method0123456789_*+`.%indeed'~"),
    stack: ["501 !interesting-Method0123456789_*+`.%indeed'~"],
    why: 'every character a token may have; a method nobody knows is refused, never misread',
  },
  'esc01.dat': {
    section: '3.1.1.3',
    parser: reads('INVITE', 150),
    stack: TAKEN,
    why: 'escapes in URIs stay as they are until asked for',
  },
  'escnull.dat': {
    section: '3.1.1.4',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'an escaped NUL in a user part is data',
  },
  'esc02.dat': {
    section: '3.1.1.5',
    parser: reads('RE%47IST%45R'),
    stack: ['501 RE%47IST%45R'],
    why: 'a percent sign in a method or header name is no escape, so this is no REGISTER',
  },
  'lwsdisp.dat': {
    section: '3.1.1.6',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'no blank is needed between display name and <',
  },
  'longreq.dat': {
    section: '3.1.1.7',
    parser: reads('INVITE', 150),
    stack: TAKEN,
    why: 'long values and 34 Via values are within the limits',
  },
  'dblreq.dat': {
    section: '3.1.1.8',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'what follows the body in a datagram is dropped (RFC 3261 §18.3): the INVITE behind it is never seen',
  },
  'semiuri.dat': {
    section: '3.1.1.9',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'a semicolon before @ belongs to the user part',
  },
  'transports.dat': {
    section: '3.1.1.10',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'any transport may stand in Via; the answer goes back the way the request came',
  },
  'mpart01.dat': {
    section: '3.1.1.11',
    parser: reads('MESSAGE', 553),
    stack: ['onRequest MESSAGE', '200 MESSAGE'],
    why: 'a multipart body is opaque bytes, NUL and all',
  },
  'unreason.dat': {
    section: '3.1.1.12',
    parser: reads(200, 154),
    stack: [],
    fitted: ['onAnswer 2229'],
    why: 'a reason phrase may be UTF-8',
  },
  'noreason.dat': {
    section: '3.1.1.13',
    parser: reads(100),
    stack: [],
    fitted: [],
    why: 'a reason phrase may be empty; the INVITE is heard of, and not repeated any more',
  },

  // 3.1.2 Invalid messages
  'badinv01.dat': {
    section: '3.1.2.1',
    parser: reads('INVITE', 152, 400),
    stack: ['400 INVITE'],
    why: 'stray ; and , in Via and Contact',
  },
  'clerr.dat': {
    section: '3.1.2.2',
    parser: refuses('BAD_LENGTH', 400),
    stack: ['400 INVITE'],
    why: 'Content-Length beyond the datagram (RFC 3261 §18.3)',
  },
  'ncl.dat': {
    section: '3.1.2.3',
    parser: refuses('BAD_LENGTH', 400),
    stack: ['400 INVITE'],
    why: 'negative Content-Length',
  },
  'scalar02.dat': {
    section: '3.1.2.4',
    parser: refuses('BAD_CSEQ', 400),
    stack: ['400 REGISTER'],
    why: 'CSeq beyond 2^31, Max-Forwards beyond 255 and numbers that fit no word',
  },
  'scalarlg.dat': {
    section: '3.1.2.5',
    parser: refuses('BAD_CSEQ', 400, false),
    stack: [],
    fitted: ['OPTIONS', 'OPTIONS'],
    why: 'CSeq beyond 2^31 in a response: dropped, its Retry-After of a trillion years not obeyed',
  },
  'quotbal.dat': {
    section: '3.1.2.6',
    parser: reads('INVITE', 152, 400),
    stack: ['400 INVITE'],
    why: 'the quote of a display name never closes',
  },
  'ltgtruri.dat': {
    section: '3.1.2.7',
    parser: refuses('BAD_START_LINE', 400),
    stack: ['400 INVITE'],
    why: 'Request-URI in <>; silently taking them off is allowed too, and helps nobody',
  },
  'lwsruri.dat': {
    section: '3.1.2.8',
    parser: refuses('BAD_START_LINE', 400),
    stack: ['400 INVITE'],
    why: 'a blank in the Request-URI',
  },
  'lwsstart.dat': {
    section: '3.1.2.9',
    parser: refuses('BAD_START_LINE', 400),
    stack: ['400 INVITE'],
    why: 'two blanks in the request line',
  },
  'trws.dat': {
    section: '3.1.2.10',
    parser: refuses('BAD_START_LINE', 400),
    stack: ['400 OPTIONS'],
    why: 'blanks after SIP/2.0',
  },
  'escruri.dat': {
    section: '3.1.2.11',
    parser: reads('INVITE', 150),
    stack: TAKEN,
    why: 'headers in a Request-URI: the RFC lets an element ignore them, and they are never obeyed nor passed on',
  },
  'baddate.dat': {
    section: '3.1.2.12',
    parser: reads('INVITE', 150),
    stack: TAKEN,
    why: 'a zone other than GMT: not to be refused by who does not use the Date, says the RFC',
  },
  'regbadct.dat': {
    section: '3.1.2.13',
    parser: reads('REGISTER', 0, 400),
    stack: ['400 REGISTER'],
    why: 'a URI with ? needs brackets; read otherwise, the header would be lost',
  },
  'badaspec.dat': {
    section: '3.1.2.14',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'blanks inside <> are trimmed, as the RFC lets the liberal do; nothing can be misread',
  },
  'baddn.dat': {
    section: '3.1.2.15',
    parser: refuses('UNFINISHED', 400),
    stack: ['400 OPTIONS'],
    why: 'non-token characters in a display name, and no empty line at the end of the head: one reason for 400 is enough',
  },
  'badvers.dat': {
    section: '3.1.2.16',
    parser: refuses('BAD_VERSION', 505),
    stack: ['505 OPTIONS'],
    why: 'SIP/7.0',
  },
  'mismatch01.dat': {
    section: '3.1.2.17',
    parser: refuses('BAD_CSEQ', 400),
    stack: ['400 INVITE'],
    why: 'CSeq names another method than the request line',
  },
  'mismatch02.dat': {
    section: '3.1.2.18',
    parser: refuses('BAD_CSEQ', 501),
    stack: ['501 INVITE'],
    why: 'an unknown method that CSeq does not name: 501 says better than 400 what to do about it',
  },
  'bigcode.dat': {
    section: '3.1.2.19',
    parser: refuses('BAD_START_LINE', 400, false),
    stack: [],
    fitted: INVITE_GOES_ON,
    why: 'a status code of ten digits: dropped, and no register overflows',
  },

  // 3.2 Transaction layer
  'badbranch.dat': {
    section: '3.2.1',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'a branch that is nothing but the cookie identifies nothing: matched by the rules of RFC 2543',
  },

  // 3.3 Application layer
  'insuf.dat': {
    section: '3.3.1',
    parser: refuses('MISSING_HEADER', 400, false),
    stack: [],
    why: 'no From, To and Call-ID: a response would have to copy them (RFC 3261 §8.2.6.2), so there is none',
  },
  'unkscm.dat': {
    section: '3.3.2',
    parser: reads('OPTIONS', 0, 416),
    stack: ['416 OPTIONS'],
    why: 'a scheme nobody knows',
  },
  'novelsc.dat': {
    section: '3.3.3',
    parser: reads('OPTIONS', 0, 416),
    stack: ['416 OPTIONS'],
    why: 'a known scheme that no SIP request can go to',
  },
  'unksm2.dat': {
    section: '3.3.4',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'To, From and Contact may have any scheme; whether one is served is the registrar’s to say',
  },
  'bext01.dat': {
    section: '3.3.5',
    parser: reads('OPTIONS'),
    stack: ['420 OPTIONS'],
    why: 'Require names what nobody supports; Proxy-Require is no matter of a user agent',
  },
  'invut.dat': {
    section: '3.3.6',
    parser: reads('INVITE', 40),
    stack: ['415 INVITE'],
    why: 'a body of a type that nobody here reads',
  },
  'regaut01.dat': {
    section: '3.3.7',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'credentials of an unknown scheme are no credentials: the registrar challenges',
  },
  'multi01.dat': {
    section: '3.3.8',
    parser: refuses('DUPLICATE_HEADER', 400),
    stack: ['400 INVITE'],
    why: 'CSeq, Call-ID, To and From twice, each time another',
  },
  'mcl01.dat': {
    section: '3.3.9',
    parser: refuses('BAD_LENGTH', 400),
    stack: ['400 OPTIONS'],
    why: 'two Content-Length that disagree',
  },
  'bcast.dat': {
    section: '3.3.10',
    parser: reads(200, 154),
    stack: [],
    fitted: INVITE_GOES_ON,
    why: 'a second Via: the response was meant for somebody else (RFC 3261 §8.1.3.3)',
  },
  'zeromf.dat': {
    section: '3.3.11',
    parser: reads('OPTIONS'),
    stack: ['onRequest OPTIONS', '200 OPTIONS'],
    why: 'Max-Forwards 0 stops proxies, not the addressee',
  },
  'cparam01.dat': {
    section: '3.3.12',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'an unknown parameter of Contact is ignored',
  },
  'cparam02.dat': {
    section: '3.3.13',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'an unknown parameter of the URI in Contact belongs to the URI',
  },
  'regescrt.dat': {
    section: '3.3.14',
    parser: reads('REGISTER'),
    stack: ['onRequest REGISTER', '401 REGISTER'],
    why: 'headers in a Contact URI are its owner’s matter',
  },
  'sdp01.dat': {
    section: '3.3.15',
    parser: reads('INVITE', 150),
    stack: ['406 INVITE'],
    why: 'Accept lets no SDP into the answer',
  },

  // 3.4 Backward compatibility
  'inv2543.dat': {
    section: '3.4.1',
    parser: reads('INVITE', 105),
    stack: TAKEN,
    why: 'RFC 2543: no branch, no Content-Length, no From tag, no Max-Forwards',
  },
} as const satisfies ConformanceTable
