import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenFault } from './listen-fault.ts'

const PLACE = {
  who: 'the API (HTTP)',
  address: '192.0.2.1',
  port: 80,
  addressSetting: 'api.host (MASKLINE_API_HOST)',
  portSetting: 'api.httpPort (MASKLINE_HTTP_PORT)',
}
const said = (cause: object, more = {}): string =>
  listenFault('API_LISTEN', { ...PLACE, ...more }, cause).message

test('a place that cannot be listened at is named with the reason, the settings and what to do', () => {
  assert.equal(
    said({ code: 'EADDRINUSE' }),
    'the API (HTTP) cannot listen on 192.0.2.1 port 80: another program uses it (EADDRINUSE); stop that program, or choose another port with api.httpPort (MASKLINE_HTTP_PORT)',
  )
  assert.match(
    said({ code: 'EADDRNOTAVAIL' }),
    /no such address .*; choose one of its own, .* with api\.host \(MASKLINE_API_HOST\)$/,
  )
  assert.match(said({ code: 'EACCES' }), /not allow it .*; choose another with api\.httpPort/)
  assert.match(
    said({ code: 'ENOTFOUND' }),
    /: ENOTFOUND; choose another place with api\.host .* and api\.httpPort/,
  )
  assert.match(said(new Error('odd')), /: odd; choose/)
  assert.match(
    said({ code: 'EADDRINUSE' }, { orElse: 'switch it off' }),
    /\(MASKLINE_HTTP_PORT\), or switch it off$/,
  )
})
