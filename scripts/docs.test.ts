import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const root = path.join(import.meta.dirname, '..')
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).toSorted()
const read = (page: string) => readFileSync(path.join(root, page), 'utf8')
const withoutCode = (text: string) => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')

/** Anchors as GitHub makes them: lower case, spaces to dashes, punctuation dropped. */
const anchorsOf = (text: string) =>
  [...withoutCodeBlocks(text).matchAll(/^#+ +(.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replace(/ /g, '-'),
  )
const withoutCodeBlocks = (text: string) => text.replace(/```[\s\S]*?```/g, '')

describe('docs', () => {
  for (const page of pages) {
    it(`links of ${page} lead somewhere`, () => {
      const dead = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link]) => link!)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [file = '', anchor] = link.split('#')
          const target = file === '' ? page : path.join(path.dirname(page), file)
          if (!existsSync(path.join(root, target))) return true
          return anchor !== undefined && !anchorsOf(read(target)).includes(anchor)
        })
      assert.deepEqual(dead, [])
    })

    it(`npm commands of ${page} exist`, () => {
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
      const missing = [...read(page).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
        .map(([, script, short]) => script ?? short!)
        .filter((name) => !(name in scripts))
      assert.deepEqual(missing, [])
    })
  }

  it('has every page of docs/adr in its index', () => {
    const index = read('docs/adr/README.md')
    const absent = pages.filter(
      (page) => /^docs\/adr\/\d{4}-/.test(page) && !index.includes(path.basename(page)),
    )
    assert.deepEqual(absent, [])
  })

  it('names in docs/architecture.md every package and every folder of the server', () => {
    const text = read('docs/architecture.md')
    const folders = globSync(['packages/*', 'packages/server/src/*'], { cwd: root })
      .filter((folder) => statSync(path.join(root, folder)).isDirectory())
      .map((folder) => `${path.basename(folder)}/`)
      .filter((name) => name !== 'testkit/')
    assert.deepEqual(
      folders.filter((name) => !new RegExp(`^ *${name}`, 'm').test(text)),
      [],
    )
  })

  it('gives both READMEs the same commands and links', () => {
    const essence = (page: string) => {
      const text = read(page)
      return {
        commands: [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, code]) =>
          code!.replace(/ +#.*$/gm, ''),
        ),
        links: [...text.matchAll(/\]\(([^)]+)\)/g)]
          .map(([, link]) => link!)
          .filter((link) => !link.startsWith('README')),
      }
    }
    assert.deepEqual(essence('README.zh-CN.md'), essence('README.md'))
  })
})
