import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CustomerAnswer } from '../../bindings/route.ts'
import type { E164 } from '../../shared/e164.ts'
import type { Mode } from '../../tenants/app.ts'
import { A, B, C, FIXED, type Given, given, X } from '../sms-test-kit.ts'
import { readBlockAnswer } from './block-answer.ts'
import { decideAnswer, decideSms, type SmsAsk } from './decide.ts'

/** The rows of spec/sms.md sections 1, 2, 4, 5 and 6 as far as rules decide them. */

const decide = (mode: Mode, what: Given = {}) => {
  const { arrival, view } = given(mode, what)
  return decideSms(arrival, view)
}

/** `sendResult` of a refusal, with its direction. */
const refusal = (mode: Mode, what: Given = {}) => {
  const decision = decide(mode, what)
  assert.equal(decision.do, 'refuse')
  return decision.do === 'refuse' ? [decision.result, decision.subject.direction] : []
}

const bound = { subscriptionId: 'example-id-1' }

describe('AXB', () => {
  it('[sms.mode.axb] [sms.flow.axb] [sms.direction.axb] A’s text goes to B and B’s to A, without a question', () => {
    assert.deepEqual(decide('AXB', { from: A }), {
      do: 'forward',
      subject: { direction: 1, ...bound },
      called: B,
      text: 'hello',
    })
    assert.deepEqual(decide('AXB', { from: B }), {
      do: 'forward',
      subject: { direction: 0, ...bound },
      called: A,
      text: 'hello',
    })
  })

  it('a text with a tail stays as it is: whom it goes to is bound', () => {
    const decision = decide('AXB', { text: 'hello@13800000023' })
    assert.equal(decision.do === 'forward' && decision.text, 'hello@13800000023')
  })

  it('[sms.result.2] a stranger, and everybody on an X without a binding, is result 2 with direction 2', () => {
    assert.deepEqual(refusal('AXB', { binding: 'none' }), [2, 2])
    assert.deepEqual(refusal('AX', { binding: 'none' }), [2, 2])
  })
})

describe('AX', () => {
  it('[sms.mode.ax] [sms.flow.ax.tail] [sms.direction.ax] A’s text goes to the B of its tail, without the tail', () => {
    assert.deepEqual(decide('AX', { text: 'hello@13800000022' }), {
      do: 'forward',
      subject: { direction: 1, ...bound },
      called: B,
      text: 'hello',
    })
  })

  it('[sms.tail.forms] a tail is a mobile of 11 digits, with 86 or +86 before it, and blanks behind it', () => {
    for (const tail of ['13800000022', '8613800000022', '+8613800000022', '13800000022 \n', '13800000022　'])
      assert.deepEqual(decide('AX', { text: `你好@${tail}` }), {
        do: 'forward',
        subject: { direction: 1, ...bound },
        called: B,
        text: '你好',
      })
  })

  it('[sms.tail.last] only the last @ counts', () => {
    const decision = decide('AX', { text: 'me@mail.example@13800000022' })
    assert.equal(decision.do === 'forward' && decision.text, 'me@mail.example')
  })

  it('[sms.flow.ax.block] [sms.tail.separator] a text of A without a tail that names somebody is put to the customer', () => {
    const texts = [
      'hello',
      'hello＠13800000022',
      'hello@',
      'hello@13800000022 soon',
      'hello@1380000002',
      'hello@+13800000022',
      'hello@10086',
      'hello@075528000001',
      'hello@13800000021',
      'hello@17000000001',
    ]
    for (const text of texts)
      assert.deepEqual(
        decide('AX', { text }),
        { do: 'ask', subject: { direction: 1, ...bound }, url: 'http://customer.example/ask' },
        text,
      )
  })

  it('[sms.flow.ax.from] [sms.from.national] a text of anybody else goes to A with [From…] and the sender’s number behind it', () => {
    assert.deepEqual(decide('AX', { from: C }), {
      do: 'forward',
      subject: { direction: 0, ...bound },
      called: A,
      text: 'hello[From13800000023]',
    })
  })

  it('[sms.turnFlag] power state and call direction of the binding do not apply to SMS', () => {
    for (const from of [A, C]) {
      const binding = { turnFlag: 'off', callDirection: from === A ? 2 : 1 } as const
      assert.equal(decide('AX', { from, text: 'hello@13800000022', binding }).do, 'forward')
    }
  })
})

describe('X', () => {
  it('[sms.mode.x] [sms.flow.x] [sms.direction.x] everybody’s text is put to the customer, whatever its tail', () => {
    assert.deepEqual(decide('X', { text: 'hello@13800000022' }), {
      do: 'ask',
      subject: { direction: 1 },
      url: 'http://customer.example/ask',
    })
  })
})

describe('what an answer to a Block comes to', () => {
  const answered = (mode: Mode, answer: CustomerAnswer, what: Given = {}) => {
    const { arrival, view, app } = given(mode, what)
    const asked = decideSms(arrival, view) as SmsAsk
    assert.equal(asked.do, 'ask')
    return decideAnswer(arrival, view, asked.subject, readBlockAnswer(answer, app))
  }
  const ok = (actions: unknown): CustomerAnswer => ({
    kind: 'answer',
    status: 200,
    body: JSON.stringify({ actions }),
  })
  const route = (called: string | undefined, more = {}) => ({
    operation: 'vNumberRoute',
    message: { called, calling: A },
    ...more,
  })
  const result = (mode: Mode, answer: CustomerAnswer, what: Given = {}) => {
    const decision = answered(mode, answer, what)
    return decision.do === 'refuse' ? decision.result : 0
  }

  it('[sms.answer.operation] [sms.answer.called] [sms.block.whole] vNumberRoute sends the whole text unchanged to the called number', () => {
    for (const mode of ['AX', 'X'] as const)
      assert.deepEqual(answered(mode, ok([route(B)]), { text: 'hello＠13800000023 ' }), {
        do: 'forward',
        subject: { direction: 1, ...(mode === 'AX' && bound) },
        called: B,
        text: 'hello＠13800000023 ',
      })
  })

  it('[sms.answer.object] a single action counts as a list of one; of several the first counts', () => {
    assert.equal(result('X', ok(route(B))), 0)
    assert.equal(result('X', ok([route(B), { operation: 'DiscardMessage' }])), 0)
  })

  it('[sms.result.6] DiscardMessage is result 6', () => {
    assert.equal(result('X', ok([{ operation: 'DiscardMessage' }])), 6)
    assert.equal(result('AX', ok({ operation: 'DiscardMessage' })), 6)
  })

  it('[sms.result.7] no whole answer in time is result 7', () => {
    assert.equal(result('X', { kind: 'failed', why: 'no whole answer in time' }), 7)
  })

  it('[sms.result.5] [sms.answer.badBody] [sms.answer.noCalled] an answer that cannot be carried out is result 5', () => {
    assert.equal(result('X', { kind: 'answer', status: 200, body: 'hello' }), 5)
    assert.equal(
      result('X', { kind: 'answer', status: 500, body: JSON.stringify({ actions: [route(B)] }) }),
      5,
    )
    assert.equal(result('X', ok(undefined)), 5)
    assert.equal(result('X', ok([])), 5)
    assert.equal(result('X', ok([null])), 5)
    assert.equal(result('X', ok([{ operation: 'forward' }])), 5)
    assert.equal(result('X', ok([{ operation: 'vNumberRoute' }])), 5)
    assert.equal(result('X', ok([route(undefined)])), 5)
    assert.equal(result('X', ok([route('13800000022')])), 5)
    assert.equal(result('X', ok([route(X)])), 5)
  })

  it('a receiver that is no mobile or on the black list is result 8', () => {
    assert.equal(result('X', ok([route(FIXED)])), 8)
    assert.equal(result('X', ok([route(B)]), { app: { controls: { blockedCallees: [B] } } }), 8)
  })

  it('[sms.answer.userData] userData of an AX answer goes on, unless it breaks the rules; X has none', () => {
    const userDataOf = (mode: Mode, userData: string, app = {}) =>
      answered(mode, ok([route(B, { userData })]), { app }).subject.userData
    assert.equal(userDataOf('AX', 'order-7'), 'order-7')
    assert.equal(userDataOf('AX', '{"order":7}'), undefined)
    assert.equal(userDataOf('AX', '{"order":7}', { lenientUserData: true }), '{"order":7}')
    assert.equal(userDataOf('AX', 'x'.repeat(257)), undefined)
    assert.equal(userDataOf('X', 'order-7'), undefined)
  })

  it('userData of the binding stays where the answer has none', () => {
    const decision = answered('AX', ok([route(B)]), { binding: { userData: 'bound' } })
    assert.equal(decision.subject.userData, 'bound')
  })
})

describe('what stops an SMS', () => {
  it('[sms.result.1] a frozen account is result 1', () => {
    assert.deepEqual(refusal('AXB', { app: { accountStatus: 'frozen' } }), [1, 1])
  })

  it('[sms.result.3] an X that is suspended or unusable is result 3; one whose binding is frozen goes on', () => {
    assert.deepEqual(refusal('AXB', { x: { status: 'suspended' } }), [3, 1])
    assert.deepEqual(refusal('X', { x: { status: 'unusable' } }), [3, 1])
    assert.equal(decide('AXB', { x: { status: 'binding-frozen' } }).do, 'forward')
  })

  it('[sms.result.4] an app that is suspended is result 4', () => {
    assert.deepEqual(refusal('AXB', { app: { status: 'suspended' } }), [4, 1])
  })

  it('[sms.url.control] without a control URL nobody can be asked: result 5', () => {
    for (const mode of ['AX', 'X'] as const) {
      const { arrival, view } = given(mode)
      const { smsControlUrl: _none, ...app } = view.app!
      assert.equal((decideSms(arrival, { ...view, app }) as { result?: number }).result, 5)
    }
  })

  it('[sms.result.8] [sms.control.blacklist] a sender or receiver on the black list is result 8', () => {
    assert.deepEqual(refusal('AXB', { app: { controls: { blockedCallers: [A] } } }), [8, 1])
    const decision = decide('AXB', { app: { controls: { blockedCallees: [B] } } })
    assert.deepEqual(decision, { do: 'refuse', subject: { direction: 1, ...bound }, result: 8, called: B })
  })

  it('[sms.control.fixedLine] [sms.control.shortCode] fixed lines, short codes and senders without a number are result 8', () => {
    for (const from of [FIXED, '+8610086', '+8610690000000001', '+86400000000', 'nobody'] as E164[])
      assert.deepEqual(refusal('AX', { from }), [8, 0], from)
    assert.deepEqual(refusal('AXB', { binding: { b: FIXED } }), [8, 1])
    assert.deepEqual(refusal('AX', { from: C, binding: { a: FIXED } }), [8, 0])
  })

  it('[sms.result.11] [sms.switch.app] [sms.switch.number] [sms.switch.binding] each of the three switches off is result 11', () => {
    assert.deepEqual(refusal('AXB', { app: { smsEnabled: false } }), [11, 1])
    assert.deepEqual(refusal('AXB', { x: { smsCapable: false } }), [11, 1])
    assert.deepEqual(refusal('AXB', { binding: { privateSms: false } }), [11, 1])
    assert.deepEqual(refusal('AX', { binding: { privateSms: false } }), [11, 1])
    assert.deepEqual(refusal('X', { x: { smsCapable: false } }), [11, 1])
  })

  it('[sms.mode.axe] [sms.mode.axyb] AXE and AXYB have no SMS: result 11', () => {
    assert.deepEqual(refusal('AXE'), [11, 2])
    assert.deepEqual(refusal('AXYB'), [11, 2])
  })

  it('[sms.result.12] [sms.control.required] a text without any of the required words is result 12', () => {
    const app = { smsRequiredWords: ['快递', 'parcel'] }
    assert.deepEqual(refusal('AXB', { app }), [12, 1])
    assert.equal(decide('AXB', { app, text: '您的快递到了' }).do, 'forward')
    assert.equal(decide('AXB', { app, text: 'Your PARCEL is here' }).do, 'forward')
    assert.equal(decide('AXB', { app: { smsRequiredWords: [] } }).do, 'forward')
  })

  it('[sms.result.13] [sms.control.forbidden] a text with a forbidden word is result 13, also one with a required word, also in X', () => {
    const app = { smsForbiddenWords: ['赌博'], smsRequiredWords: ['快递'] }
    assert.deepEqual(refusal('AXB', { app, text: '快递赌博' }), [13, 1])
    assert.deepEqual(refusal('X', { app, text: '赌博' }), [13, 1])
  })

  it('an X of nobody is result 2, and there is no app to tell', () => {
    const { arrival, view } = given('AXB')
    const decision = decideSms(arrival, { ...view, app: undefined, xNumber: undefined, match: undefined })
    assert.deepEqual(decision, { do: 'refuse', subject: { direction: 2 }, result: 2 })
  })
})
