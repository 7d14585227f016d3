import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type TempDir = { readonly path: string; remove(): void }

const open = new Set<string>()
process.on('exit', () => {
  for (const path of open) rmSync(path, { recursive: true, force: true })
})

/** A fresh directory; gone after `remove`, at the latest when this process ends. */
export function makeTempDir(prefix: string): TempDir {
  const path = mkdtempSync(join(tmpdir(), `maskline-${prefix}-`))
  open.add(path)
  return {
    path,
    remove() {
      open.delete(path)
      rmSync(path, { recursive: true, force: true })
    },
  }
}
