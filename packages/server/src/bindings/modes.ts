import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import { createAxRouting } from './ax-route.ts'
import { createAxService } from './ax-service.ts'
import { createAxbService } from './axb-service.ts'
import { createAxeRouting } from './axe-route.ts'
import { createAxeService } from './axe-service.ts'
import { createAxybRouting } from './axyb-route.ts'
import { createAxybService } from './axyb-service.ts'
import { createControls } from './controls.ts'
import type { BindingMemory, BindingStore, RouteStore } from './ports.ts'
import { createRouter } from './router.ts'
import { createXRouting, type XRoutingPorts } from './x-route.ts'

export type ModesOptions = Pick<XRoutingPorts, 'readAnswer' | 'announcementExists'> & {
  readonly bindings: BindingStore
  readonly memory: BindingMemory
  readonly routes: RouteStore
  readonly clock: Clock
  readonly log: Log
  /** Country codes whose numbers may be bound, call and be called. */
  readonly countryCodes: readonly string[]
  /** Binds of one A a day, 0 = any number. */
  readonly maxBindsPerDay: number
  readonly maxPairsPerX: number
  readonly defaultBindHours: number
}

/** All five modes over one store: the operations that the API offers, and the router that calls ask. */
export function createModes(options: ModesOptions) {
  const { bindings: store, memory, routes, clock, log, countryCodes, maxBindsPerDay } = options
  const common = { store, clock, countryCodes, maxBindsPerDay }
  const axyb = createAxybService(common)
  return {
    services: {
      ax: createAxService({ ...common, memory }),
      axb: createAxbService({ ...common, maxPairsPerX: options.maxPairsPerX }),
      axe: createAxeService({ ...common, memory, defaultBindHours: options.defaultBindHours }),
      axyb,
    },
    router: createRouter({
      routes,
      memory,
      modes: {
        AX: createAxRouting(memory),
        AXE: createAxeRouting({ bindings: store, memory, clock }),
        AXYB: createAxybRouting({ ...axyb, ...routes }),
        X: createXRouting({
          readAnswer: options.readAnswer,
          announcementExists: options.announcementExists,
          findX: (number) => store.findX(number),
          onFault: (app, why) =>
            log.warn({ app: app.key, why }, 'a customer’s server gave no usable answer to a callin'),
          countryCodes,
        }),
      },
      controls: createControls({ countryCodes }),
      log,
    }),
  }
}
