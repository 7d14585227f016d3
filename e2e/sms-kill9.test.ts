import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { splitText, startSmsc } from '@maskline/smpp'
import {
  axbApp,
  callApi,
  pickPorts,
  type PlatformProcess,
  seed,
  startServe,
} from './support/platform-process.ts'
import { freePorts } from './support/ports.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { AXB } from './support/trunk-lab.ts'
import { waitFor } from './support/wait.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const TOKEN = 'the-token-of-the-aggregator'
const TEXTS = 300

/** A server that answers each POST with what `react` makes of its body. */
async function postServer(t: TestContext, react: (body: string, path: string) => Promise<string>) {
  const server = createServer((request, response) => {
    void bodyOf(request).then(async (body) => response.end(await react(body, request.url ?? '')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The network that hands in texts: an aggregator over HTTP or an SMSC over SMPP. */
type Network = {
  /** What of `sms` in the configuration is about it. */
  readonly config: { readonly aggregators?: readonly object[]; readonly smscs?: readonly object[] }
  /** Resolves when it can hand in. */
  ready(): Promise<void>
  /** Whether the platform has acknowledged it; else it is handed in again. */
  handIn(text: string): Promise<boolean>
}

/** Repeats what it does not know to be taken, under the same id. */
function aggregatorNetwork(smsPort: number, url: string): Network {
  return {
    config: { aggregators: [{ name: 'agg', url, inboundToken: TOKEN }] },
    ready: () => Promise.resolve(),
    async handIn(text) {
      const answer = await fetch(`http://127.0.0.1:${smsPort}/v1/sms/agg/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
        body: JSON.stringify({ id: `mo-${text}`, from: A, to: X, text }),
      }).catch(() => undefined)
      return answer?.status === 204
    },
  }
}

/** Repeats what it does not know to be taken, without any id. */
async function smscNetwork(t: TestContext, url: string): Promise<Network> {
  const smsc = await startSmsc({ onSubmit: () => assert.fail('texts go to the aggregator') })
  t.after(() => {
    smsc.drop()
    return smsc.close()
  })
  return {
    config: {
      aggregators: [{ name: 'agg', url, inboundToken: TOKEN, serves: [X] }],
      smscs: [
        {
          name: 'smsc-1',
          hosts: [{ host: '127.0.0.1', port: smsc.port }],
          systemId: 'maskline',
          password: 'secret',
          serves: ['+1'],
        },
      ],
    },
    async ready() {
      await waitFor(() => smsc.binds().length > 0, { what: 'a bind' })
    },
    async handIn(text) {
      const [part] = splitText(text, { reference: 0 })
      const { state } = await smsc.deliver('maskline', { ...part!, from: A, to: X })
      return state === 'accepted'
    },
  }
}

for (const how of ['HTTP', 'SMPP'] as const)
  test(
    `SMS that come over ${how} are each forwarded once or told once as failed, and none twice, whatever a kill -9 leaves open`,
    { timeout: 120_000 },
    async (t) => {
      const dir = makeTempDir('sms-kill9')
      t.after(() => dir.remove())
      /** Texts that the aggregator was given, and the results that the customer was told, by text and id. */
      const forwarded = new Map<string, number>()
      const told = new Map<string, Map<string, number>>()
      const aggregator = await postServer(t, async (body) => {
        const { text } = JSON.parse(body) as { text: string }
        forwarded.set(text, (forwarded.get(text) ?? 0) + 1)
        // Some are on their way whenever the platform dies.
        await new Promise((resolve) => setImmediate(resolve))
        return '{}'
      })
      const customer = await postServer(t, async (body, path) => {
        if (path !== '/sms') return ''
        const { smsEvent } = JSON.parse(body) as {
          smsEvent: { smsIdentifier: string; smsContent: string; sendResult: number }
        }
        const results = told.get(smsEvent.smsContent) ?? new Map<string, number>()
        told.set(smsEvent.smsContent, results.set(smsEvent.smsIdentifier, smsEvent.sendResult))
        return ''
      })
      const app = axbApp('secret-of-the-app', customer, {
        smsEnabled: true,
        smsNotifyUrl: `${customer}/sms`,
        smsContentInNotify: true,
      })
      await seed(dir.path, app, [X])
      const ports = await pickPorts()
      const smsPort = await freePorts('127.0.0.1')
      const network =
        how === 'HTTP' ? aggregatorNetwork(smsPort, aggregator) : await smscNetwork(t, aggregator)
      const start = async (): Promise<PlatformProcess> => {
        const started = await startServe(dir.path, ports, {
          config: { sms: { http: { host: '127.0.0.1', port: smsPort }, ...network.config } },
        })
        await network.ready()
        return started
      }

      let platform = await start()
      t.after(() => platform.kill())
      const bound = await callApi(ports.http, app, 'POST', AXB, {
        callerNum: A,
        calleeNum: B,
        relationNum: X,
      })
      assert.equal(bound.resultcode, '0')

      const acknowledged = new Set<string>()
      const handIn = async (text: string): Promise<void> => {
        if (await network.handIn(text)) acknowledged.add(text)
      }
      const texts = Array.from({ length: TEXTS }, (_, n) => `text ${n}`)
      const run = async (some: readonly string[]): Promise<void> => {
        for (let at = 0; at < some.length; at += 20) await Promise.all(some.slice(at, at + 20).map(handIn))
      }

      for (const killAfter of [TEXTS / 3, (2 * TEXTS) / 3]) {
        const running = run(texts.filter((text) => !acknowledged.has(text)))
        await waitFor(() => acknowledged.size >= killAfter, { what: 'acknowledged SMS', pollMs: 1 })
        const [last] = [...acknowledged].slice(-1)
        await platform.kill()
        await running
        // The network has lost the last acknowledgement.
        acknowledged.delete(last!)
        platform = await start()
      }
      await run(texts.filter((text) => !acknowledged.has(text)))
      assert.equal(acknowledged.size, TEXTS)

      await waitFor(() => told.size === TEXTS, {
        what: 'the customer to be told of every SMS',
        detail: () => `${told.size} of ${TEXTS} told`,
        timeoutMs: 60_000,
      })
      for (const text of texts) {
        const results = [...told.get(text)!.values()]
        assert.equal(results.length, 1, `${text} is one SMS`)
        const times = forwarded.get(text) ?? 0
        assert.ok(times <= 1, `${text} was sent ${times} times`)
        if (results[0] === 0) assert.equal(times, 1, `${text} was told as sent`)
        else assert.equal(results[0], 10, `${text}: what the crash kept from us is told as failed`)
      }
      assert.equal(await platform.stop(), 0)
    },
  )
