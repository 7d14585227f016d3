import { normaliseAreaCode, provinceOf } from '../numbers/area.ts'
import type { NumberStates, NumberStore } from '../numbers/ports.ts'
import type { XCause, XNumber, XStatus } from '../numbers/x-number.ts'
import { AppError } from '../shared/app-error.ts'
import { type E164, isGlobalForm, normaliseDialled, parseVirtualNumber } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { AppAdmin } from '../tenants/ports.ts'
import { flag, InvalidRequest, list, members, type Operation, type Schema, text } from './operation.ts'

export type NumberOperations = {
  readonly apps: Pick<AppAdmin, 'findApp'>
  readonly numbers: Pick<NumberStore, 'find' | 'save' | 'list'>
  /** Changes of state are told to customers. */
  readonly numberStates: Pick<NumberStates, 'change' | 'remove'>
  readonly clock: Clock
}

/** X numbers of the inventory (spec/console.md section 6, spec/number-status.md). */
export function numberOperations({
  apps,
  numbers,
  numberStates,
  clock,
}: NumberOperations): readonly Operation[] {
  const needApp = async (key: string): Promise<void> => {
    if ((await apps.findApp(key)) === undefined) throw new AppError('APP_UNKNOWN', `there is no app ${key}`)
  }
  return [
    {
      id: 'listNumbers',
      method: 'GET',
      path: '/v1/numbers',
      summary: 'X numbers of an app, ascending, at most a thousand at a time',
      query: { app: text('APP_Key'), after: text('the last number of the page before') },
      needs: ['app'],
      success: {
        status: 200,
        says: 'the numbers',
        schema: members({ numbers: list(VIEW, 'ascending'), more: flag('whether there are more') }),
      },
      errors: ['APP_UNKNOWN'],
      async handle({ query: { app = '', after = '' } }) {
        await needApp(app)
        const rest = (await numbers.list(app)).filter(({ number }) => number > after)
        return { json: { numbers: rest.slice(0, PAGE), more: rest.length > PAGE } }
      },
    },
    {
      id: 'importNumbers',
      method: 'POST',
      path: '/v1/numbers',
      summary: 'Adds X numbers to an app, all or none; one that moves from another app loses its bindings',
      body: members(
        {
          app: text('APP_Key'),
          move: flag('take numbers from other apps too, which dissolves their bindings'),
          numbers: list(
            members(
              {
                number: text('global form', { examples: ['+8617000000001'] }),
                areaCode: text('city code', { pattern: String.raw`^0?\d{2,4}$`, examples: ['0755'] }),
                smsCapable: flag('default: as it is; no for a new number'),
              },
              { required: ['number', 'areaCode'] },
            ),
            'at most 5000',
          ),
        },
        { required: ['app', 'numbers'] },
      ),
      success: { status: 201, says: 'added', schema: members({ added: { type: 'integer' } }) },
      errors: ['APP_UNKNOWN'],
      async handle({ body }) {
        const { app, move = false, numbers: given } = body as Import
        await needApp(app)
        const faults: string[] =
          given.length > MOST_AT_ONCE ? [`numbers: at most ${MOST_AT_ONCE} at once`] : []
        const added: XNumber[] = []
        for (const [index, { number, areaCode, smsCapable }] of given.entries()) {
          const parsed = parseVirtualNumber(number)
          const old = parsed && (await numbers.find(parsed))
          if (parsed === undefined) faults.push(`numbers.${index}: ${whyNoX(number)}`)
          else if (old && old.appKey !== app && !move)
            faults.push(
              `numbers.${index}: ${number} belongs to app ${old.appKey}; "move": true (--move) takes it, and its bindings are lost`,
            )
          else
            added.push({
              // What stands in the inventory already keeps its state, wherever it goes.
              ...(old ?? { status: 'normal' as const }),
              number: parsed,
              appKey: app,
              areaCode: normaliseAreaCode(areaCode),
              province: provinceOf(areaCode) ?? '',
              smsCapable: smsCapable ?? old?.smsCapable ?? false,
            })
        }
        if (faults.length > 0) throw new InvalidRequest(faults)
        await numbers.save(added)
        return { status: 201, json: { added: added.length } }
      },
    },
    {
      id: 'changeNumber',
      method: 'PATCH',
      path: '/v1/numbers/:number',
      summary: 'Changes the state of an X; the customer is told where its app asks for that',
      body: members(
        { status: text('state', { enum: STATUSES }), cause: text('why it is unusable', { enum: CAUSES }) },
        { required: ['status'] },
      ),
      success: { status: 200, says: 'changed', schema: VIEW },
      errors: ['NUMBER_UNKNOWN'],
      async handle({ params, body }) {
        const number = params.number as E164
        const { status, cause } = body as { readonly status: XStatus; readonly cause?: XCause }
        if (cause !== undefined && status !== 'unusable')
          throw new InvalidRequest(['cause goes with status unusable only'])
        const changed = await numberStates.change(number, { status, ...(cause && { cause }) }, clock.now())
        if (!changed) throw new AppError('NUMBER_UNKNOWN', `there is no X number ${number}`)
        return { json: await numbers.find(number) }
      },
    },
    {
      id: 'removeNumber',
      method: 'DELETE',
      path: '/v1/numbers/:number',
      summary: 'Removes an X with its bindings; the customer is told where its app asks for that',
      success: { status: 200, says: 'removed', schema: members({ removed: text('the number') }) },
      errors: ['NUMBER_UNKNOWN'],
      async handle({ params }) {
        const number = params.number as E164
        const removed = await numberStates.remove(number, clock.now())
        if (!removed) throw new AppError('NUMBER_UNKNOWN', `there is no X number ${number}`)
        return { json: { removed: number } }
      },
    },
  ]
}

const PAGE = 1000
const MOST_AT_ONCE = 5000
/** Why a text is no X, with the number that may have been meant. */
function whyNoX(text: string): string {
  if (isGlobalForm(text)) return 'it is no virtual number'
  const meant = parseVirtualNumber(normaliseDialled(text) ?? '')
  return meant === undefined
    ? 'it is not in global form, such as +8617000000001'
    : `${text} is not in global form, such as ${meant}`
}

const STATUSES: readonly XStatus[] = ['normal', 'suspended', 'unusable', 'binding-frozen']
const CAUSES: readonly XCause[] = ['1', '2', '3', '5', '6', '7', '8', '9']

type Import = {
  readonly app: string
  readonly move?: boolean
  readonly numbers: readonly {
    readonly number: string
    readonly areaCode: string
    readonly smsCapable?: boolean
  }[]
}

const VIEW: Schema = members({
  number: text('X'),
  appKey: text('APP_Key'),
  areaCode: text('city code'),
  province: text('as the choice by area uses it'),
  status: text('state', { enum: STATUSES }),
  cause: text('why it is unusable', { enum: CAUSES }),
  smsCapable: flag('can SMS'),
})
