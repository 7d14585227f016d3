import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failure, invalidParameter, invalidRequest, refusal, success } from './answers.ts'
import { RESULTS, businessResult } from './result-codes.ts'

/** Every row of spec/auth-and-errors.md sections 6.1 and 6.2: HTTP status (1020001 and 1020002: that of their page) and code. */
const DOCUMENTED = `
  200 0
  400 1023006   400 1023007   400 1023008   400 1023009   400 1023010   400 1023011   400 1023012   400 1023013
  400 1023026   400 1023027   400 1023028   400 1023029   400 1023030   400 1023031
  400 1023033   400 1023034   400 1023035   400 1023036   400 1023037   400 1023038
  401 1010010   401 1010013
  403 1010002   403 1010003   403 1010008   403 1010004   403 1010010   403 1010029   403 1010040
  403 1020166   403 1020176
  500 1010001   500 1023001   500 1023002
  403 1011001   403 1011002   403 1011003   403 1011004   403 1011005   403 1011006
  403 1012001   403 1012007   403 1012008   403 1012009   403 1012010   403 1012010 AXYB   403 1012012   403 1012102
  403 1016001   403 1016002
  500 1020001   500 1020002   403 1020167   403 1020178   403 1020182
`
  .trim()
  .split(/\s{2,}/)

describe('result codes', () => {
  it('[auth.rule.codes] holds exactly the documented rows', () => {
    assert.deepEqual(Object.keys(RESULTS).toSorted(), DOCUMENTED.toSorted())
  })

  it('[auth.rule.envelope.resultdesc] [habit.17] gives each row its status, code and a text of 1 to 256 printable ASCII characters', () => {
    for (const [key, { status, code, text }] of Object.entries(RESULTS)) {
      assert.ok(key === `${status} ${code}` || key === `${status} ${code} AXYB`, key)
      assert.match(text, /^[\x20-\x7e]{1,256}$/)
    }
  })

  it('[auth.code.401.1010010] [auth.code.403.1010010] tells the two meanings of 1010010 apart by status', () => {
    assert.equal(RESULTS['401 1010010'].text, 'Invalid digest.')
    assert.equal(RESULTS['403 1010010'].text, 'The flow control upper limit is reached on the platform.')
  })

  it('finds a business refusal by its bare code and nothing else', () => {
    assert.equal(businessResult('1012010')?.text, 'The relation number has been bound.')
    assert.equal(businessResult('1010013'), undefined)
    assert.equal(businessResult('toString'), undefined)
  })
})

describe('answers', () => {
  it('[auth.rule.envelope.success] [auth.rule.envelope.resultdesc] starts every answer with resultcode and resultdesc', () => {
    assert.equal(success().body, '{"resultcode":"0","resultdesc":"Success"}')
    assert.equal(
      success({ b: 1, gone: undefined, a: 'x' }).body,
      '{"resultcode":"0","resultdesc":"Success","b":1,"a":"x"}',
    )
    assert.deepEqual(failure('400 1023006'), {
      status: 400,
      code: '1023006',
      body: '{"resultcode":"1023006","resultdesc":"Authorization not contained in the HTTP header."}',
    })
  })

  it('[auth.code.403.1010002] [faq.44] names the parameter of an invalid request', () => {
    assert.equal(
      invalidParameter('lastMinVoice').body,
      '{"resultcode":"1010002","resultdesc":"Invalid request. lastMinVoice is invalid."}',
    )
    assert.deepEqual(refusal('1010002', 'calleeNum'), invalidParameter('calleeNum'))
    assert.equal(invalidRequest(404, 'URI').status, 404)
  })

  it('[habit.17] writes non-ASCII text as escapes that read back the same', () => {
    const { body } = success({ userData: '订单 7 \u{1f4de}\u007f' })
    assert.match(body, /^[\x20-\x7e]+$/)
    assert.equal(JSON.parse(body).userData, '订单 7 \u{1f4de}\u007f')
  })

  it('takes a refusal with an undocumented code for a fault of our own', () => {
    assert.deepEqual(refusal('9999999'), failure('500 1010001'))
  })
})
