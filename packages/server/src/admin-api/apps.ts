import { randomBytes } from 'node:crypto'
import type { NumberStates } from '../numbers/ports.ts'
import { createTurns } from '../shared/turns.ts'
import { AppError } from '../shared/app-error.ts'
import { maskNumber } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import { type App, type Mode, newApp } from '../tenants/app.ts'
import type { AppAdmin } from '../tenants/ports.ts'
import { appFaults } from './app-rules.ts'
import { APP_NEW, APP_PATCH, APP_VIEW } from './app-schema.ts'
import { InvalidRequest, list, members, type Operation, type Schema, text } from './operation.ts'

export type AppOperations = {
  readonly apps: AppAdmin
  readonly numberStates: Pick<NumberStates, 'changeAccount'>
  readonly announcementExists: (app: App, fileName: string) => boolean
  readonly defaults: { readonly pushSignature: App['pushSignature'] }
  readonly clock: Clock
}

/** Applications: settings, switches, tones, controls (spec/console.md section 3). */
export function appOperations(options: AppOperations): readonly Operation[] {
  const { apps, numberStates, announcementExists, defaults, clock } = options

  const find = async (key: string): Promise<App> => {
    const app = await apps.findApp(key)
    if (app === undefined) throw new AppError('APP_UNKNOWN', `there is no app ${key}`)
    return app
  }

  /** Saves an app that breaks no rule. The account's state goes its own way, which tells customers of their numbers. */
  const save = async (app: App, before?: App): Promise<void> => {
    const others = (await apps.listApps(app.tenantId)).filter(({ key }) => key !== app.key)
    const faults = appFaults(app, { others, announcementExists, ...(before && { before }) })
    if (faults.length > 0) throw new InvalidRequest(faults)
    await numberStates.changeAccount(app.tenantId, app.accountStatus, clock.now())
    await apps.saveApp(app)
  }

  /** Changes follow each other, so that none undoes another. */
  const inOrder = createTurns()

  return [
    {
      id: 'listApps',
      method: 'GET',
      path: '/v1/apps',
      summary: 'All apps, or those of an account',
      query: { tenant: text('account') },
      success: { status: 200, says: 'the apps', schema: members({ apps: list(APP_VIEW, 'by key') }) },
      errors: [],
      handle: async ({ query }) => ({ json: { apps: (await apps.listApps(query.tenant)).map(toView) } }),
    },
    {
      id: 'getApp',
      method: 'GET',
      path: '/v1/apps/:key',
      summary: 'One app',
      success: { status: 200, says: 'the app', schema: APP_VIEW },
      errors: ['APP_UNKNOWN'],
      handle: async ({ params }) => ({ json: toView(await find(params.key!)) }),
    },
    {
      id: 'createApp',
      method: 'POST',
      path: '/v1/apps',
      summary: 'Makes an app; key and secret are told this once',
      body: APP_NEW,
      success: {
        status: 201,
        says: 'made',
        schema: members({ key: text('APP_Key'), secret: text('APP_Secret'), app: APP_VIEW }),
      },
      errors: ['APP_EXISTS'],
      handle: ({ body }) =>
        inOrder(async () => {
          const { tenant, mode, key = newKey(), ...settings } = body as NewApp
          if ((await apps.findApp(key)) !== undefined)
            throw new AppError('APP_EXISTS', `there is an app ${key} already`)
          const [sister] = await apps.listApps(tenant)
          const account = sister && { spId: sister.spId, accountStatus: sister.accountStatus }
          const made = newApp({
            ...defaults,
            ...account,
            ...settings,
            key,
            tenantId: tenant,
            mode,
            secret: newSecret(),
          })
          const app = mode === 'AXE' ? { ...made, axe: { ...AXE_DEFAULTS, ...made.axe } } : made
          await save(app)
          return { status: 201, json: { key, secret: app.secret, app: toView(app) } }
        }),
    },
    {
      id: 'changeApp',
      method: 'PATCH',
      path: '/v1/apps/:key',
      summary: 'Changes settings of an app; null removes one (JSON merge patch). A fault refuses all of it',
      body: APP_PATCH,
      success: { status: 200, says: 'changed', schema: APP_VIEW },
      errors: ['APP_UNKNOWN'],
      handle: ({ params, body }) =>
        inOrder(async () => {
          const before = await find(params.key!)
          const app = merged(before, body as Json) as App
          await save(app, before)
          return { json: toView(app) }
        }),
    },
  ]
}

type NewApp = { readonly tenant: string; readonly mode: Mode; readonly key?: string } & Partial<App>

const AXE_DEFAULTS = { extensionLength: 4, wrongEndTone: 'extension_wrong_end.wav' } as const

/** In hex: on a command line nothing takes it for an option. */
const newKey = (): string => randomBytes(12).toString('hex')
const newSecret = (): string => randomBytes(16).toString('hex')

type Json = { readonly [name: string]: unknown }
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** JSON merge patch (RFC 7396). */
function merged(target: unknown, patch: Json): Json {
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete result[name]
    else result[name] = isObject(value) ? merged(result[name], value) : value
  return result
}

function toView({ secret: _secret, tenantId, axe, controls, ...rest }: App): Schema {
  return {
    tenant: tenantId,
    ...rest,
    ...(axe && {
      axe: { ...axe, ...(axe.noCallbackNumber && { noCallbackNumber: maskNumber(axe.noCallbackNumber) }) },
    }),
    ...(controls && {
      controls: {
        ...controls,
        ...(controls.blockedCallees && { blockedCallees: controls.blockedCallees.map(maskNumber) }),
        ...(controls.blockedCallers && { blockedCallers: controls.blockedCallers.map(maskNumber) }),
      },
    }),
  }
}
