import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rules } from './import-rules.ts'
import {
  checkImports,
  formatViolation,
  readSource,
  type SourceFile,
  type WorkspacePackage,
} from './imports.ts'

const packages: readonly WorkspacePackage[] = [
  { name: 'maskline', folder: '', exports: {}, dependencies: ['fast-check'] },
  ...['sip', 'media', 'smpp', 'server', 'lab'].map((folder) => ({
    name: `@maskline/${folder}`,
    folder: `packages/${folder}`,
    exports: { '.': './src/index.ts', './testkit': './src/testkit/index.ts' },
    dependencies: ['pino', 'kysely'],
  })),
]

/** The sentences that a made-up set of sources breaks. */
function sentencesOf(sources: Record<string, string>): string[] {
  const files = new Map(Object.entries(sources).map(([file, text]) => [file, readSource(text)]))
  return checkImports(files, packages, rules).map(({ sentence }) => sentence)
}

/** One made-up fault and one lawful neighbour for each rule, found by the start of its sentence. */
const examples: readonly {
  readonly rule: string
  readonly broken: readonly [file: string, text: string]
  readonly lawful: readonly [file: string, text: string]
}[] = [
  {
    rule: 'sip/shared imports nothing',
    broken: ['packages/sip/src/shared/a.ts', "import { b } from '../message/message.ts'"],
    lawful: ['packages/sip/src/shared/a.ts', "import { b } from './timers.ts'"],
  },
  {
    rule: 'sip/message stands on',
    broken: ['packages/sip/src/message/a.ts', "import { b } from '../transport/address.ts'"],
    lawful: ['packages/sip/src/message/a.ts', "import { b } from '../shared/ids.ts'"],
  },
  {
    rule: 'sip/auth stands on',
    broken: ['packages/sip/src/auth/a.ts', "import { b } from '../transport/address.ts'"],
    lawful: ['packages/sip/src/auth/a.ts', "import { b } from '../message/chars.ts'"],
  },
  {
    rule: 'sip/transport stands on',
    broken: ['packages/sip/src/transport/a.ts', "import { b } from '../transaction/clock.ts'"],
    lawful: ['packages/sip/src/transport/a.ts', "import { b } from '../message/parse.ts'"],
  },
  {
    rule: 'sip/resolve stands on',
    broken: ['packages/sip/src/resolve/a.ts', "import { b } from '../transaction/layer.ts'"],
    lawful: ['packages/sip/src/resolve/a.ts', "import { b } from '../transport/address.ts'"],
  },
  {
    rule: 'sip/transaction stands on',
    broken: ['packages/sip/src/transaction/a.ts', "import { b } from '../ua/ids.ts'"],
    lawful: ['packages/sip/src/transaction/a.ts', "import { b } from '../transport/address.ts'"],
  },
  {
    rule: 'sip/guard stands on',
    broken: ['packages/sip/src/guard/a.ts', "import { b } from '../core/core.ts'"],
    lawful: ['packages/sip/src/guard/a.ts', "import { b } from '../message/headers.ts'"],
  },
  {
    rule: 'sip/core stands on',
    broken: ['packages/sip/src/core/a.ts', "import { b } from '../dialog/session.ts'"],
    lawful: ['packages/sip/src/core/a.ts', "import { b } from '../transaction/layer.ts'"],
  },
  {
    rule: 'sip/dialog stands on',
    broken: ['packages/sip/src/dialog/a.ts', "import { b } from '../ua/client-call.ts'"],
    lawful: ['packages/sip/src/dialog/a.ts', "import { b } from '../core/core.ts'"],
  },
  {
    rule: 'sip imports no other package',
    broken: ['packages/sip/src/call.test.ts', "import { rtp } from '@maskline/media'"],
    lawful: ['packages/sip/src/call.test.ts', "import { createSocket } from 'node:dgram'"],
  },
  {
    rule: 'media imports no other package',
    broken: ['packages/media/src/relay.ts', "import type { Dialog } from '@maskline/sip'"],
    lawful: ['packages/media/src/relay.ts', "import { createSocket } from 'node:dgram'"],
  },
  {
    rule: 'smpp imports no other package',
    broken: ['packages/smpp/src/esme/esme.ts', "import { timers } from '@maskline/sip'"],
    lawful: ['packages/smpp/src/esme/esme.ts', "import { connect } from 'node:tls'"],
  },
  {
    rule: 'smpp stands in layers',
    broken: ['packages/smpp/src/message/a.ts', "import { b } from '../session/session.ts'"],
    lawful: ['packages/smpp/src/message/a.ts', "import { b } from '../text/coding.ts'"],
  },
  {
    rule: 'esme and smsc are the two sides',
    broken: ['packages/smpp/src/smsc/a.ts', "import { b } from '../esme/types.ts'"],
    lawful: ['packages/smpp/src/smsc/a.test.ts', "import { b } from '../esme/esme.ts'"],
  },
  {
    rule: 'server never imports lab',
    broken: ['packages/server/src/cli/demo.ts', "import { phone } from '@maskline/lab'"],
    lawful: ['packages/server/src/cli/demo.ts', "import { createAgent } from '@maskline/sip'"],
  },
  {
    rule: 'lab talks to the server over the wire',
    broken: ['packages/lab/src/phone/phone.ts', "import { start } from '@maskline/server'"],
    lawful: ['packages/lab/src/demo/main.ts', "import { start } from '@maskline/server'"],
  },
  {
    rule: 'Packages never import scripts',
    broken: ['packages/lab/src/phone.ts', "import { findPeer } from '../../../scripts/peers.mjs'"],
    lawful: ['e2e/phone.ts', "import { findPeer } from '../scripts/peers.mjs'"],
  },
  {
    rule: 'A test kit is for tests',
    broken: ['packages/server/src/cli/serve.ts', "import { fakeClock } from '@maskline/sip/testkit'"],
    lawful: ['packages/server/src/cli/serve.test.ts', "import { fakeClock } from '@maskline/sip/testkit'"],
  },
  {
    rule: 'shared imports nothing of ours',
    broken: ['packages/server/src/shared/id.ts', "import type { App } from '../tenants/app.ts'"],
    lawful: ['packages/server/src/shared/id.ts', "import type { EpochMs } from './time.ts'"],
  },
  {
    rule: 'tenants imports only',
    broken: ['packages/server/src/tenants/app.ts', "import type { XNumber } from '../numbers/x-number.ts'"],
    lawful: ['packages/server/src/tenants/app.ts', "import type { EpochMs } from '../shared/time.ts'"],
  },
  {
    rule: 'numbers imports only',
    broken: ['packages/server/src/numbers/pool.ts', "import type { Binding } from '../bindings/binding.ts'"],
    lawful: ['packages/server/src/numbers/pool.ts', "import type { App } from '../tenants/app.ts'"],
  },
  {
    rule: 'bindings imports only',
    broken: ['packages/server/src/bindings/ports.ts', "type Call = import('../calls/call.ts').Call"],
    lawful: ['packages/server/src/bindings/ports.ts', "type X = import('../numbers/x-number.ts').XNumber"],
  },
  {
    rule: 'calls imports only',
    broken: ['packages/server/src/calls/journal.ts', "import { database } from '../storage/database.ts'"],
    lawful: ['packages/server/src/calls/journal.ts', "import type { Dialog } from '@maskline/sip'"],
  },
  {
    rule: 'notifications imports only',
    broken: ['packages/server/src/notifications/body.ts', "import { hangUp } from '../calls/controller.ts'"],
    lawful: [
      'packages/server/src/notifications/body.ts',
      "import type { CallFact } from '../calls/call-record.ts'",
    ],
  },
  {
    rule: 'sms imports only',
    broken: ['packages/server/src/sms/relay.ts', "import { createSmsStore } from '../storage/sms-store.ts'"],
    lawful: ['packages/server/src/sms/relay.ts', "import { splitText } from '@maskline/smpp'"],
  },
  {
    rule: 'config imports only',
    broken: ['packages/server/src/config/load.ts', "import { open } from '../storage/open.ts'"],
    lawful: ['packages/server/src/config/load.ts', "import type { PushSignature } from '../tenants/app.ts'"],
  },
  {
    rule: 'announcements imports only',
    broken: ['packages/server/src/announcements/prompts.ts', "import { play } from '../calls/controller.ts'"],
    lawful: [
      'packages/server/src/announcements/prompts.ts',
      "import type { PlayAudio } from '@maskline/media'",
    ],
  },
  {
    rule: 'observability imports only',
    broken: ['packages/server/src/observability/logger.ts', "import { load } from '../config/load.ts'"],
    lawful: [
      'packages/server/src/observability/logger.ts',
      "import type { Config } from '../config/config.ts'",
    ],
  },
  {
    rule: 'sip-trace imports only',
    broken: [
      'packages/server/src/sip-trace/trace.ts',
      "import type { ActiveCall } from '../calls/active-call.ts'",
    ],
    lawful: ['packages/server/src/sip-trace/trace.ts', "import { maskNumber } from '../shared/e164.ts'"],
  },
  {
    rule: 'trunks imports shared',
    broken: ['packages/server/src/trunks/trunks.ts', "import { route } from '../bindings/route.ts'"],
    lawful: ['packages/server/src/trunks/trunks.ts', "import type { Dialer } from '../calls/ports.ts'"],
  },
  {
    rule: 'storage imports the ports',
    broken: ['packages/server/src/storage/open.ts', "import type { Config } from '../config/config.ts'"],
    lawful: ['packages/server/src/storage/open.ts', "import type { CallJournal } from '../calls/ports.ts'"],
  },
  {
    rule: 'recordings imports only',
    broken: ['packages/server/src/recordings/keep.ts', "import { Relay } from '../calls/active-call.ts'"],
    lawful: ['packages/server/src/recordings/keep.ts', "import type { Recordings } from '../calls/ports.ts'"],
  },
  {
    rule: 'admin-api imports the domain',
    broken: ['packages/server/src/admin-api/a.ts', "import { b } from '../storage/schema.ts'"],
    lawful: ['packages/server/src/admin-api/a.ts', "import { b } from '../announcements/uses.ts'"],
  },
  {
    rule: 'open-api imports the domain',
    broken: ['packages/server/src/open-api/axb.ts', "export { open } from '../storage/open.ts'"],
    lawful: ['packages/server/src/open-api/axb.test.ts', "import { open } from '../storage/open.ts'"],
  },
  {
    rule: 'Every folder of',
    broken: ['packages/server/src/managers/manager.ts', "import 'node:net'"],
    lawful: ['packages/server/src/main.ts', "import 'node:net'"],
  },
  {
    rule: 'Rules and machines decide',
    broken: ['packages/server/src/calls/call-machine.ts', "import { readFileSync } from 'node:fs'"],
    lawful: ['packages/server/src/calls/call-machine.ts', "import { hash } from 'node:crypto'"],
  },
  {
    rule: 'Rules and machines decide',
    broken: ['packages/sip/src/transaction/client-machine.ts', 'const now = Date.now()'],
    lawful: ['packages/sip/src/transaction/client-machine.ts', '// Date.now() would tie tests to the wall'],
  },
  {
    rule: 'The domain takes its time',
    broken: ['packages/server/src/notifications/deliver.ts', 'setTimeout(retry, 60_000)'],
    lawful: ['packages/server/src/notifications/deliver.ts', 'clock.setTimer(60_000, retry)'],
  },
  {
    rule: 'sip, media and smpp never log',
    broken: ['packages/sip/src/transport/udp.ts', 'console.log(message)'],
    lawful: ['packages/sip/src/transport/udp.test.ts', 'console.log(message)'],
  },
  {
    rule: 'Code receives values',
    broken: ['packages/server/src/storage/open.ts', 'const file = process.env.DATABASE'],
    lawful: ['packages/server/src/config/load.ts', 'const file = process.env.DATABASE'],
  },
]

describe('import rules', () => {
  for (const { rule, broken, lawful } of examples) {
    it(`reports ${broken[0]} with ${broken[1]}: ${rule} …`, () => {
      const found = sentencesOf({ [broken[0]]: broken[1] }).filter((sentence) => sentence.startsWith(rule))
      assert.equal(found.length, 1)
    })
    it(`lets ${lawful[0]} with ${lawful[1]} pass: ${rule} …`, () => {
      const found = sentencesOf({ [lawful[0]]: lawful[1] }).filter((sentence) => sentence.startsWith(rule))
      assert.deepEqual(found, [])
    })
  }

  it('has an example here for every rule', () => {
    const without = rules.filter(({ sentence }) => !examples.some(({ rule }) => sentence.startsWith(rule)))
    assert.deepEqual(
      without.map(({ sentence }) => sentence),
      [],
    )
  })
})

describe('import check', () => {
  it('names file, line, import and sentence of a violation', () => {
    const text = "import net from 'node:net'\n\nimport { phone } from '@maskline/lab'\n"
    const files = new Map([
      ['packages/server/src/main.ts', readSource(text)],
      ['packages/lab/src/index.ts', readSource('')],
    ])
    const [violation, ...others] = checkImports(files, packages, rules)
    assert.equal(others.length, 0)
    assert.equal(
      formatViolation(violation!),
      'packages/server/src/main.ts:3  @maskline/lab\n' +
        '    server never imports lab: the product does not stand on its laboratory.',
    )
  })

  it('reports a cycle with its path, once', () => {
    const found = sentencesOf({
      'packages/sip/src/a.ts': "import { b } from './b.ts'",
      'packages/sip/src/b.ts': "export * from './deep/c.ts'",
      'packages/sip/src/deep/c.ts': "import type { A } from '../a.ts'",
      'packages/sip/src/outside.ts': "import { a } from './a.ts'",
    })
    assert.deepEqual(found, [
      'No import cycles: packages/sip/src/a.ts → packages/sip/src/b.ts → packages/sip/src/deep/c.ts → packages/sip/src/a.ts',
    ])
  })

  it('sees a cycle that runs through a package name', () => {
    const found = sentencesOf({
      'packages/lab/src/index.ts': "export * from './phone.ts'",
      'packages/lab/src/phone.ts': "import { x } from '@maskline/lab'",
    })
    assert.equal(found.length, 1)
    assert.match(found[0]!, /^No import cycles/)
  })

  it('refuses a path into another package', () => {
    const found = sentencesOf({ 'packages/server/src/cli/x.ts': "import { a } from '../../../sip/src/a.ts'" })
    assert.deepEqual(found, ['A package is imported by its name (@maskline/sip), never by a path into it.'])
  })

  it('refuses an entry that a package does not export', () => {
    const found = sentencesOf({ 'packages/server/src/cli/x.ts': "import '@maskline/sip/src/parse.ts'" })
    assert.deepEqual(found, ['@maskline/sip exports no "src/parse.ts": see its package.json.'])
  })

  it('refuses a module that package.json does not declare, and development packages outside tests', () => {
    const text = "import fc from 'fast-check'"
    assert.equal(sentencesOf({ 'packages/sip/src/a.ts': text }).length, 1)
    assert.deepEqual(sentencesOf({ 'packages/sip/src/a.test.ts': text }), [])
    assert.equal(sentencesOf({ 'packages/sip/src/a.test.ts': "import 'lodash/fp'" }).length, 1)
  })

  it('refuses a module of Node without its prefix and a file that is not there', () => {
    assert.match(sentencesOf({ 'e2e/a.ts': "import fs from 'fs'" })[0]!, /node:fs/)
    assert.match(sentencesOf({ 'e2e/a.ts': "import './gone.ts'" })[0]!, /e2e\/gone\.ts does not/)
  })
})

describe('reading a source', () => {
  const specifiers = (text: string) => readSource(text).imports.map(({ specifier }) => specifier)

  it('finds every form of import, with its line', () => {
    const text = [
      "import a from 'a'",
      'import type { B } from "b"',
      "import {\n  c,\n} from 'c'",
      "import 'd'",
      "export * from 'e'",
      "export { f } from 'f'",
      "const g = await import('g')",
      "type H = import('h').H",
    ].join('\n')
    const found: SourceFile['imports'] = readSource(text).imports
    assert.deepEqual(
      found.map(({ specifier, line }) => `${specifier}${line}`),
      ['a1', 'b2', 'c5', 'd6', 'e7', 'f8', 'g9', 'h10'],
    )
  })

  it('is not misled by comments, strings, templates and regular expressions', () => {
    const text = [
      "// import a from 'a'",
      "/* import b from 'b' */",
      'const c = "import c from \'c\'"',
      "const d = `import d from 'd' ${`nested ${1}`} }`",
      'const e = /[\'"`]/.test(f) ? 1 / 2 : 3',
      "const h = { from: 'h' }, i = Array.from('i')",
      "import j from 'j' // import k from 'k'",
      "const l = `${(await import('l')).name}`",
    ].join('\n')
    assert.deepEqual(specifiers(text), ['j', 'l'])
  })

  it('finds clock, chance, environment and console, but not members of the same name', () => {
    const text =
      'clock.setTimeout(1); Date.now(); new Date(); new Date(0); Math.random(); process.env.A; console.log(1)'
    assert.deepEqual(
      readSource(text).globals.map(({ name }) => name),
      ['Date.now', 'new Date', 'Math.random', 'process.env', 'console.log'],
    )
  })
})
