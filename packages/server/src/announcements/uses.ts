import type { App, AxeSettings } from '../tenants/app.ts'

/** Settings of an app that name an announcement file. */
const APP_TONES = ['noPermissionTone', 'noBindingTone', 'exceptionTone'] as const satisfies (keyof App)[]
const AXE_TONES = [
  'promptTone',
  'wrongTone',
  'wrongEndTone',
  'emptyEndTone',
  'waitingTone',
  'noCallbackTone',
] as const satisfies (keyof AxeSettings)[]

/** Every setting of an app that names a file: `noBindingTone`, `axe.promptTone` …, and the name. */
export function tonesOfApp(app: Pick<App, (typeof APP_TONES)[number] | 'axe'>): ReadonlyMap<string, string> {
  const named: (readonly [string, string | undefined])[] = [
    ...APP_TONES.map((field) => [field, app[field]] as const),
    ...AXE_TONES.map((field) => [`axe.${field}`, app.axe?.[field]] as const),
  ]
  return new Map(named.flatMap(([field, file]) => (file === undefined ? [] : [[field, file]])))
}

/** Who names an announcement file. */
export type Uses = {
  /** Apps of the account, each with the settings that name it. */
  readonly apps: readonly {
    readonly key: string
    readonly name: string
    readonly settings: readonly string[]
  }[]
  /** Bindings of the account that are not dead. */
  readonly bindings: number
}
