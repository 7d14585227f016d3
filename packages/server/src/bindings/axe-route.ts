import type { E164 } from '../shared/e164.ts'
import type { Clock } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { extensionLengthOf } from './axe.ts'
import type { AxeBinding, Role } from './binding.ts'
import { type ModeRouting, SERVICE_TYPES } from './mode.ts'
import { openCaller } from './parties.ts'
import type { BindingMemory, BindingStore } from './ports.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, CallSubject, Collect, Connect, Refuse } from './route.ts'

/** The prompt that every platform has (spec/announcements.md 3.4). */
const DEFAULT_PROMPT = 'extension_prompt.wav'
/** 重复收号次数 unless the app sets it. */
const DEFAULT_REPEATS = 2
const FIRST_DIGIT_MS = 10_000
const INTER_DIGIT_MS = 5_000

export type AxeRoutingOptions = {
  readonly bindings: Pick<BindingStore, 'findByClaim'>
  readonly memory: Pick<BindingMemory, 'recall'>
  /** Digits come long after the call: a binding may have expired meanwhile. */
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Routes calls to an X of an AXE app (spec/axe.md section 7): A reaches who called last, everyone else is asked for the
 * extension of an A.
 */
export function createAxeRouting({ bindings, memory, clock }: AxeRoutingOptions): ModeRouting {
  return {
    async route({ at }, { match }, app) {
      if (match?.binding.mode !== 'AXE') return askExtension(app)
      const { binding } = match
      const record = await memory.recall(binding.id, 'callback', at)
      return callBack(binding, app, record?.caller)
    },
    async digits(arrival, _asked, digits, app) {
      const key = { kind: 'ext', extension: digits } as const
      const binding = await bindings.findByClaim(arrival.x, key, clock.now())
      return binding?.mode === 'AXE' ? callA(arrival, binding, app) : { kind: 'wrong' }
    },
  }
}

/** The same for every X, bound or not: a stranger must not learn which are in use. */
function askExtension(app: App): Collect {
  const subject = subjectOf(app, SERVICE_TYPES.AXE, undefined)
  const { promptTone, wrongTone, wrongEndTone, emptyEndTone, repeatCount = DEFAULT_REPEATS } = app.axe ?? {}
  return {
    kind: 'collect',
    subject,
    prompt: promptTone || DEFAULT_PROMPT,
    ...(wrongTone && { wrongTone }),
    length: extensionLengthOf(app),
    attempts: 1 + repeatCount,
    firstDigitMs: FIRST_DIGIT_MS,
    interDigitMs: INTER_DIGIT_MS,
    wrongEnd: refuse(subject, 8022, 404, wrongEndTone),
    emptyEnd: refuse(subject, 8033, 404, emptyEndTone || wrongEndTone),
  }
}

/** Connects a caller who keyed A's extension, and remembers the caller for A: also when A does not answer. */
function callA(arrival: Arrival, binding: AxeBinding, app: App): Connect {
  const from = openCaller(arrival)
  const { id, a, displayNumMode, callbackLifeMs } = binding
  const showReal = displayNumMode === '1' && app.realCallerDisplay && from !== undefined
  const waitingTone = app.axe?.waitingTone
  return {
    ...connect(binding, 'b', app, a, showReal ? from : arrival.x),
    ...(waitingTone && { waitingTone }),
    // Who hides the number cannot be called back, and leaves the last one who can.
    ...(from !== undefined && {
      memos: {
        forwarded: [
          {
            do: 'remember',
            bindingId: id,
            kind: 'callback',
            value: { caller: from },
            ...(callbackLifeMs > 0 && { lifeMs: callbackLifeMs }),
          },
        ],
      },
    }),
  }
}

/** A dials X: the last caller, else what the binding says, else what the app says. */
function callBack(binding: AxeBinding, app: App, lastCaller: E164 | undefined): Connect | Refuse {
  const { callbackNum, callbackTone, x } = binding
  const { noCallbackNumber, noCallbackTone } = app.axe ?? {}
  const callee = lastCaller ?? callbackNum ?? (callbackTone ? undefined : noCallbackNumber)
  if (callee) return connect(binding, 'a', app, callee, x)
  return refuse(subjectIn(binding, 'a', app), 8019, 404, callbackTone || noCallbackTone)
}

function connect(binding: AxeBinding, role: Role, app: App, callee: E164, display: E164): Connect {
  const { recordFlag, recordHintTone } = binding
  return {
    kind: 'connect',
    subject: subjectIn(binding, role, app),
    callee,
    display,
    maxDurationMin: 0,
    ...(recordFlag &&
      app.recordingEnabled && { recording: recordHintTone ? { hintTone: recordHintTone } : {} }),
  }
}

const subjectIn = (binding: AxeBinding, role: Role, app: App): CallSubject => ({
  ...subjectOf(app, SERVICE_TYPES.AXE, { binding, role }),
  extension: binding.extension,
})
