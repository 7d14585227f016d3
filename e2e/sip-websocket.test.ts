import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Laboratory, openLaboratory } from '@maskline/lab'
import { makeAuthority } from '@maskline/sip/testkit'
import {
  type Invitation,
  Inviter,
  Registerer,
  RegistererState,
  type Session,
  type SessionDescriptionHandler,
  SessionState,
  UserAgent,
} from 'sip.js'
import { requirePeer } from './peers.ts'
import { makeTempDir } from './support/temp-dir.ts'

const AXB = '/rest/caas/relationnumber/partners/v1.0'
const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const DOMAIN = 'pn.example'

const national = (number: string): string => number.slice(3)

/** A browser's part in SDP, without the browser: plain G.711, and nobody who speaks. */
const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 9 RTP/AVP 8',
  'a=rtpmap:8 PCMA/8000',
  '',
].join('\r\n')

const withoutMedia = (): SessionDescriptionHandler => ({
  close() {},
  getDescription: () => Promise.resolve({ body: SDP, contentType: 'application/sdp' }),
  hasDescription: (type) => type === 'application/sdp',
  setDescription: () => Promise.resolve(),
  sendDtmf: () => false,
})

/** A phone in a page: SIP.js, registered. */
type Page = { readonly agent: UserAgent; readonly calls: Invitation[]; close(): Promise<void> }

async function openPage(lab: Laboratory, number: string, server: string): Promise<Page> {
  const user = national(number)
  await lab.platform.storage.subscribers.save({ username: user, password: 'correct-horse' })
  await lab.platform.reloadSubscribers()
  const calls: Invitation[] = []
  const agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${user}@${DOMAIN}`)!,
    transportOptions: { server },
    authorizationUsername: user,
    authorizationPassword: 'correct-horse',
    sessionDescriptionHandlerFactory: withoutMedia,
    logBuiltinEnabled: false,
    delegate: {
      onInvite(invitation) {
        calls.push(invitation)
        void invitation.accept()
      },
    },
  })
  await agent.start()
  const registerer = new Registerer(agent)
  const registered = new Promise<void>((resolve) => {
    registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) resolve()
    })
  })
  await registerer.register()
  await registered
  return { agent, calls, close: () => agent.stop() }
}

const reaches = (session: Session, wanted: SessionState): Promise<void> =>
  new Promise((resolve) => {
    if (session.state === wanted) resolve()
    else
      session.stateChange.addListener((state) => {
        if (state === wanted) resolve()
      })
  })

describe('two pages with SIP.js', () => {
  for (const secured of [false, true]) {
    test(`register and call each other through X over ${secured ? 'WSS' : 'WS'}`, async (t) => {
      if (requirePeer(t, 'openssl') === undefined) return
      const authority = makeAuthority()
      const before = getCACertificates()
      setDefaultCACertificates([...before, authority.cert])
      const dir = makeTempDir('sip-websocket')
      const { cert, key } = authority.issue('IP:127.0.0.1')
      writeFileSync(join(dir.path, 'crt'), cert)
      writeFileSync(join(dir.path, 'key'), key)
      const lab = await openLaboratory({
        x: [X],
        env: {
          MASKLINE_SIP_WS: `${!secured}`,
          MASKLINE_SIP_WS_PORT: '0',
          MASKLINE_SIP_WS_PATH: '/sip',
          MASKLINE_SIP_WSS: `${secured}`,
          MASKLINE_SIP_WSS_PORT: '0',
          MASKLINE_SIP_TLS_CERT: join(dir.path, 'crt'),
          MASKLINE_SIP_TLS_KEY: join(dir.path, 'key'),
        },
      })
      const pages: Page[] = []
      try {
        const { host, wsPort, wssPort } = lab.platform.sip
        const server = secured ? `wss://${host}:${wssPort}/sip` : `ws://${host}:${wsPort}/sip`
        for (const number of [A, B]) pages.push(await openPage(lab, number, server))
        const [a, b] = pages as [Page, Page]
        const bind = await lab.api('POST', AXB, { callerNum: A, calleeNum: B, relationNum: X })
        assert.equal(bind.body.resultcode, '0')

        const call = new Inviter(a.agent, UserAgent.makeURI(`sip:${national(X)}@${DOMAIN}`)!)
        await call.invite()
        await reaches(call, SessionState.Established)
        const called = b.calls[0]!
        await reaches(called, SessionState.Established)
        assert.equal(called.remoteIdentity.uri.user, national(X))
        const shown = called.request.data
        assert.ok(!shown.includes(national(A)), 'the callee is shown nothing of the caller')

        // The callee hangs up: its BYE, and ours to the caller, each go over the connection that the page opened.
        await called.bye()
        await reaches(call, SessionState.Terminated)
        await lab.customer.waitFor((c) => c.fees.length === 1, 'the CDR')
        assert.deepEqual(lab.customer.faults, [])
      } finally {
        for (const page of pages) await page.close()
        await lab.close()
        setDefaultCACertificates(before)
        dir.remove()
      }
    })
  }
})
