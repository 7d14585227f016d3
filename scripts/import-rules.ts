import { TEST_FILE, type Rule } from './imports.ts'

/**
 * Who may import whom, drawn in docs/architecture.md. Packages are bound everywhere; layers bind everything but tests
 * and test kits.
 */

/** Folders of packages/server/src, innermost first, with what each may import beside itself. */
const serverFolders: Readonly<
  Record<string, { readonly may: readonly string[]; readonly sentence: string }>
> = {
  shared: { may: [], sentence: 'shared imports nothing of ours: everything stands on it.' },
  tenants: { may: ['shared'], sentence: 'tenants imports only shared.' },
  numbers: { may: ['shared', 'tenants'], sentence: 'numbers imports only shared and tenants.' },
  bindings: {
    may: ['shared', 'tenants', 'numbers'],
    sentence:
      'bindings imports only shared, tenants and numbers: it decides who reaches whom and knows no call, no push and no wire.',
  },
  calls: {
    may: ['shared', 'tenants', 'numbers', 'bindings', 'notifications', '@sip', '@media'],
    sentence:
      'calls imports only shared, its domain siblings, @maskline/sip and @maskline/media; it reaches storage and push through ports.',
  },
  notifications: {
    may: ['shared', 'tenants', 'numbers', 'calls/call-record.ts', 'bindings/route.ts'],
    sentence:
      'notifications imports only shared, tenants, numbers and the facts it tells (calls/call-record.ts, bindings/route.ts).',
  },
  sms: {
    may: ['shared', 'tenants', 'numbers', 'bindings', 'notifications', '@smpp'],
    sentence:
      'sms imports only shared, tenants, numbers, bindings, notifications and @maskline/smpp; it reaches storage and carriers through ports.',
  },
  config: {
    may: ['shared', 'tenants', '@media'],
    sentence:
      'config imports only shared, tenants and, for the names of codecs, @maskline/media: it is read once at start and hands out values.',
  },
  announcements: {
    may: ['shared', 'tenants', '@media'],
    sentence: 'announcements imports only shared, tenants and @maskline/media: it is audio by name.',
  },
  recordings: {
    may: ['shared', 'tenants', 'calls/call-record.ts', 'calls/ports.ts'],
    sentence:
      'recordings imports only shared, tenants and what calls ask of it (calls/ports.ts): it keeps files by name.',
  },
  observability: {
    may: ['shared', 'config/config.ts'],
    sentence:
      'observability imports only shared and its part of the configuration: everything is seen by it.',
  },
  'sip-trace': {
    may: ['shared', '@sip'],
    sentence: 'sip-trace imports only shared and @maskline/sip: it looks at messages and knows no call.',
  },
  trunks: {
    may: ['shared', 'tenants', 'calls', 'numbers', 'config/config.ts', '@sip'],
    sentence:
      'trunks imports shared, tenants (who may register), numbers, the ports of calls, its part of the configuration and @maskline/sip: it turns numbers into SIP peers and back.',
  },
  storage: {
    may: [
      'shared',
      'tenants',
      'numbers',
      'bindings',
      'calls',
      'notifications',
      'announcements',
      'recordings/ports.ts',
      'sms',
    ],
    sentence: 'storage imports the ports of the domain and shared, never an edge, config or a protocol.',
  },
  'admin-api': {
    may: [
      'shared',
      'tenants',
      'numbers',
      'announcements',
      'sms',
      'notifications/push-url.ts',
      'config/config.ts',
    ],
    sentence:
      'admin-api imports the domain, announcements, shared and its part of the configuration, never storage: an HTTP edge touches no table.',
  },
  'open-api': {
    may: [
      'shared',
      'tenants',
      'numbers',
      'bindings',
      'calls',
      'notifications',
      'recordings',
      'config/config.ts',
    ],
    sentence:
      'open-api imports the domain, shared and its part of the configuration, never storage: an HTTP edge touches no table.',
  },
}

/** The composition root and the command line see everything. */
const composition = ['cli']

const server = 'packages/server/src/'

const layerRules: Rule[] = Object.entries(serverFolders).map(([folder, { may, sentence }]) => ({
  sentence,
  from: new RegExp(`^${server}${folder}/`),
  exceptFrom: TEST_FILE,
  to: /^packages\//,
  exceptTo: new RegExp(
    `^(?:${[folder, ...may].map((name) => (name.startsWith('@') ? `packages/${name.slice(1)}/` : server + name + (name.endsWith('.ts') ? '$' : '/'))).join('|')})`,
  ),
}))

/** The layers of packages/sip/src, lowest first; each stands on those before it. Above them: ua and registrar. */
const sipLayers = [
  'shared',
  'message',
  'auth',
  'transport',
  'resolve',
  'transaction',
  'guard',
  'core',
  'dialog',
]

const sipRules: Rule[] = sipLayers.map((layer, i) => ({
  sentence:
    i === 0
      ? 'sip/shared imports nothing of ours: ids, time and reports of faults.'
      : `sip/${layer} stands on ${sipLayers.slice(0, i).join(', ')} and knows nothing above it.`,
  from: new RegExp(`^packages/sip/src/${layer}/`),
  exceptFrom: TEST_FILE,
  to: /^packages\/sip\/src\//,
  exceptTo: new RegExp(`^packages/sip/src/(?:${sipLayers.slice(0, i + 1).join('|')})/`),
}))

/** The lower layers of packages/smpp/src, lowest first. On them stand the two sides, esme and smsc. */
const smppLayers = ['shared', 'text', 'pdu', 'message', 'session']

const smppRules: Rule[] = [
  ...smppLayers.map((layer, i) => ({
    sentence: `smpp stands in layers (${smppLayers.join(', ')}): each knows those before it and none above.`,
    from: new RegExp(`^packages/smpp/src/${layer}/`),
    exceptFrom: TEST_FILE,
    to: /^packages\/smpp\/src\//,
    exceptTo: new RegExp(`^packages/smpp/src/(?:${smppLayers.slice(0, i + 1).join('|')})/`),
  })),
  {
    sentence: 'esme and smsc are the two sides of SMPP: neither knows the other.',
    from: /^packages\/smpp\/src\/esme\//,
    exceptFrom: TEST_FILE,
    to: /^packages\/smpp\/src\/smsc\//,
  },
  {
    sentence: 'esme and smsc are the two sides of SMPP: neither knows the other.',
    from: /^packages\/smpp\/src\/smsc\//,
    exceptFrom: TEST_FILE,
    to: /^packages\/smpp\/src\/esme\//,
  },
]

const domain = /^packages\/server\/src\/(?:tenants|numbers|bindings|calls|notifications|sms)\//

/** Rules and machines: what decides. `route.ts`, `axb-route.ts`, `call-machine.ts`, `machine/talking.ts`, `axb-rules.ts` … */
const pure =
  /^packages\/(?:.*[-/]machine|server\/src\/(?:tenants|numbers|bindings|calls|notifications|sms)\/(?:.*[-/])?(?:route|rules|rules\/[^/]+|machine\/[^/]+))\.ts$/

const outside =
  /^(?:node:(?:net|dgram|tls|fs|http|https|http2|dns|timers|perf_hooks|child_process|worker_threads|cluster|sqlite|os|process|readline)(?:$|\/)|(?:kysely|pino|fastify)(?:$|\/))/

export const rules: readonly Rule[] = [
  {
    sentence: 'sip imports no other package of ours: it is SIP for Node, usable alone.',
    from: /^packages\/sip\//,
    to: /^packages\/(?!sip\/)/,
  },
  {
    sentence: 'media imports no other package of ours: it knows audio, not SIP and not masking.',
    from: /^packages\/media\//,
    to: /^packages\/(?!media\/)/,
  },
  {
    sentence: 'smpp imports no other package of ours: it is SMPP for Node, and knows texts, not masking.',
    from: /^packages\/smpp\//,
    to: /^packages\/(?!smpp\/)/,
  },
  {
    sentence: 'server never imports lab: the product does not stand on its laboratory.',
    from: /^packages\/server\//,
    to: /^packages\/lab\//,
  },
  {
    sentence: 'lab talks to the server over the wire; only its demo starts one.',
    from: /^packages\/lab\//,
    exceptFrom: /^packages\/lab\/src\/demo\//,
    to: /^packages\/server\//,
  },
  {
    sentence: 'Packages never import scripts, bench or e2e.',
    from: /^packages\//,
    to: /^(?:scripts|bench|e2e)\//,
  },
  {
    sentence: 'A test kit is for tests: product code never imports one.',
    from: /^packages\/(?:sip|media|smpp|server)\/src\//,
    exceptFrom: TEST_FILE,
    to: /\/testkit\//,
  },
  ...sipRules,
  ...smppRules,
  ...layerRules,
  {
    sentence: `Every folder of ${server} has its layer: add it to scripts/import-rules.ts.`,
    from: new RegExp(
      `^${server}(?!(?:${[...Object.keys(serverFolders), ...composition, 'testkit'].join('|')})/)[^/]+/`,
    ),
    to: /^/,
  },
  {
    sentence:
      'Rules and machines decide, edges act: no socket, file, database, clock, timer, chance or logger here.',
    from: pure,
    to: outside,
    globals: /^/,
  },
  {
    sentence: 'The domain takes its time from shared/time.ts (Clock), so that tests turn the hands.',
    from: domain,
    exceptFrom: new RegExp(`${TEST_FILE.source}|${pure.source}`),
    to: /^node:timers/,
    globals: /^(?:Date\.now|new Date|performance\.now|setTimeout|setInterval)$/,
  },
  {
    sentence: 'sip, media and smpp never log: they publish events.',
    from: /^packages\/(?:sip|media|smpp)\/src\//,
    exceptFrom: TEST_FILE,
    to: /^pino$/,
    globals: /^console\./,
  },
  {
    sentence: 'Code receives values: only config, cli and main read the environment or end the process.',
    from: /^packages\/(?:sip|media|smpp|server)\/src\//,
    exceptFrom: new RegExp(`${TEST_FILE.source}|^${server}(?:(?:config|cli)/|main\\.ts$)|${pure.source}`),
    globals: /^process\.(?:env|argv|exit|exitCode)$/,
  },
]
