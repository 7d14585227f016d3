import type { JsonSchema } from './params.ts'

/** What the platform pushes to its customers, as JSON Schema (spec/notifications.md, x.md, number-status.md). */
export type Push = {
  readonly name: string
  readonly summary: string
  readonly schema: JsonSchema
  readonly example: JsonSchema
  /** What the customer may answer; absent: nothing is read. */
  readonly answer?: JsonSchema
}

const TEXT = { type: 'string' } as const
const INTEGER = { type: 'integer' } as const
const TIME = {
  type: 'string',
  examples: ['2026-01-24 02:30:03'],
  description: 'UTC, yyyy-MM-dd HH:mm:ss',
} as const
const NUMBER = { type: 'string', examples: ['+8617000000001'] } as const
const upTo = (maxLength: number): JsonSchema => ({ type: 'string', maxLength })
const about = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description })
const object = (properties: JsonSchema, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
})

const EVENT_TYPES = ['callin', 'collectInfo', 'callout', 'alerting', 'answer', 'disconnect']

export const CALL_STATUS: Push = {
  name: 'callStatus',
  summary: 'A call event, to the call-status address (callin to its own address, where there is one)',
  schema: object(
    {
      eventType: { enum: EVENT_TYPES },
      statusInfo: object(
        {
          timestamp: TIME,
          sessionId: about(upTo(256), 'The call: the same in all of its events, and in the CDR'),
          caller: about(NUMBER, 'callin: the real caller; later: the number shown to the callee'),
          called: about(NUMBER, 'callin: the number dialled; later: the real callee'),
          subscriptionId: about(upTo(64), 'The binding; not in X mode'),
          userData: about(upTo(256), 'As given with the binding'),
          notifyMode: about({ const: 'Block' }, 'callin of X mode: an answer is awaited'),
          digitInfo: about(TEXT, 'collectInfo: the digits that were keyed'),
          stateCode: about(INTEGER, 'disconnect: the release code'),
          stateDesc: about(TEXT, 'disconnect: the release code in words'),
        },
        ['timestamp', 'sessionId'],
      ),
    },
    ['eventType'],
  ),
  example: {
    eventType: 'disconnect',
    statusInfo: {
      timestamp: '2026-01-24 02:30:22',
      sessionId: '1200_1827_4294967295_20260124023003@pn01.example',
      caller: '+8617000000001',
      called: '+8613800000022',
      stateCode: 0,
      stateDesc: 'The user releases the call.',
      subscriptionId: '1d39eaef-0000-4000-8000-000000000001',
    },
  },
  answer: about(
    object({
      operation: { enum: ['connect', 'close'] },
      connectInfo: object(
        {
          displayCalleeNum: NUMBER,
          calleeNum: NUMBER,
          maxDuration: { type: 'integer', minimum: 0, maximum: 1440 },
          waitVoice: upTo(128),
          recordFlag: { enum: ['true', 'false'] },
          recordHintTone: upTo(128),
          lastMinVoice: upTo(128),
          userData: upTo(256),
        },
        ['calleeNum'],
      ),
      closeInfo: object({ closeHintTone: upTo(128), userData: upTo(256) }),
    }),
    'Only to a callin with notifyMode Block; no body is read otherwise',
  ),
}

export const FEE: Push = {
  name: 'fee',
  summary: 'CDRs of one app, to the CDR address',
  schema: object(
    {
      eventType: { const: 'fee' },
      feeLst: {
        type: 'array',
        minItems: 1,
        maxItems: 50,
        items: object(
          {
            direction: about(INTEGER, '0: A is called, 1: A calls, 2: neither'),
            spId: upTo(32),
            appKey: upTo(128),
            icid: upTo(64),
            bindNum: about(NUMBER, 'The number dialled'),
            sessionId: upTo(256),
            subscriptionId: upTo(64),
            callerNum: NUMBER,
            calleeNum: about(NUMBER, 'The number dialled'),
            fwdDisplayNum: about(NUMBER, 'The number shown to the callee'),
            fwdDstNum: about(NUMBER, 'The real callee'),
            callInTime: TIME,
            fwdStartTime: TIME,
            fwdAlertingTime: TIME,
            fwdAnswerTime: about(TEXT, 'As the other times; empty when the callee did not answer'),
            callEndTime: TIME,
            fwdUnaswRsn: about(INTEGER, 'Q.850 cause of a failed forwarding, else 0'),
            failTime: TIME,
            ulFailReason: about(INTEGER, 'Release code, 0 when all went well'),
            sipStatusCode: INTEGER,
            callOutUnaswRsn: INTEGER,
            recordFlag: about({ enum: [0, 1] }, '1: recorded'),
            recordStartTime: TIME,
            recordDomain: about(upTo(128), 'For the download address'),
            recordBucketName: TEXT,
            recordObjectName: about(upTo(128), 'fileName of the download address'),
            ttsPlayTimes: INTEGER,
            ttsTransDuration: INTEGER,
            mptyId: about(TEXT, 'The binding, as subscriptionId'),
            serviceType: about(TEXT, '003 AX, 004 AXB'),
            hostName: TEXT,
            extendNum: about(upTo(4), 'AXE: the extension'),
            userData: upTo(256),
            notifyMode: about({ const: 'Block' }, 'X mode'),
            voiceCheckType: INTEGER,
          },
          ['direction', 'spId', 'appKey', 'bindNum', 'sessionId', 'callerNum', 'calleeNum'],
        ),
      },
    },
    ['eventType'],
  ),
  example: {
    eventType: 'fee',
    feeLst: [
      {
        direction: 1,
        spId: 'demo_sp',
        appKey: 'demoKey',
        icid: '0123456789abcdef0123456789abcdef.3978210603.1001.5',
        bindNum: '+8617000000001',
        sessionId: '1200_1827_4294967295_20260124023003@pn01.example',
        subscriptionId: '1d39eaef-0000-4000-8000-000000000001',
        callerNum: '+8613800000021',
        calleeNum: '+8617000000001',
        fwdDisplayNum: '+8617000000001',
        fwdDstNum: '+8613800000022',
        callInTime: '2026-01-24 02:30:03',
        fwdStartTime: '2026-01-24 02:30:03',
        fwdAlertingTime: '2026-01-24 02:30:04',
        fwdAnswerTime: '2026-01-24 02:30:06',
        callEndTime: '2026-01-24 02:30:22',
        fwdUnaswRsn: 0,
        ulFailReason: 0,
        sipStatusCode: 0,
        callOutUnaswRsn: 0,
        recordFlag: 1,
        recordStartTime: '2026-01-24 02:30:06',
        recordDomain: 'rec.pn.example',
        recordBucketName: 'sp-demokey',
        recordObjectName: '26012402300600000000001.wav',
        ttsPlayTimes: 0,
        ttsTransDuration: 0,
        mptyId: '1d39eaef-0000-4000-8000-000000000001',
        serviceType: '004',
        hostName: 'pn01.example',
        voiceCheckType: 0,
      },
    ],
  },
}

export const NUMBER_STATUS: Push = {
  name: 'numStatus',
  summary:
    'X numbers that became unusable or usable again, to the X-number-status or the call-status address',
  schema: object(
    {
      eventType: { const: 'numStatus' },
      numInfo: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: object(
          {
            number: NUMBER,
            status: about(
              { enum: ['5', '9', '10', '11'] },
              '5 normal, 9 suspended, 10 unusable, 11 takes no new bindings',
            ),
            cause: about({ enum: ['1', '2', '3', '5', '6', '7', '8', '9'] }, 'Why, with status 10'),
          },
          ['number', 'status'],
        ),
      },
    },
    ['eventType', 'numInfo'],
  ),
  example: {
    eventType: 'numStatus',
    numInfo: [
      { number: '+8617000000001', status: '10', cause: '2' },
      { number: '+8617000000002', status: '9' },
    ],
  },
}
