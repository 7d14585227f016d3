import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anApp, AXB_PATH, startTestApi } from './api-test-kit.ts'

test('[x.api.none] an app in X mode has no bind API: all are 1010040', async (t) => {
  const api = await startTestApi()
  t.after(() => api.close())
  api.app = anApp({ mode: 'X' })
  const methods: Readonly<Record<string, readonly string[]>> = {
    [AXB_PATH]: ['POST', 'DELETE', 'PUT', 'GET'],
    '/rest/omp/xyrelationnumber/v1.0': ['POST', 'DELETE', 'GET'],
    '/rest/provision/caas/privatenumber/v1.0': ['POST', 'DELETE', 'PUT', 'GET'],
  }
  for (const [path, all] of Object.entries(methods)) {
    for (const method of all) {
      const { status, json } = await api.call(method, { path, body: method === 'GET' ? undefined : {} })
      assert.deepEqual([status, json['resultcode']], [403, '1010040'], `${method} ${path}`)
    }
  }
})
