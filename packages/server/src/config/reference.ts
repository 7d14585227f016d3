import { FIELDS, type Field } from './schema.ts'

/** The settings as a Markdown table: the guide holds it, and a test holds the guide to it. */
export function settingsTable(): string {
  const head = ['| Setting | Environment | Type | Default | Meaning |', '| --- | --- | --- | --- | --- |']
  const rows = FIELDS.map(
    (field) =>
      `| \`${field.path}\` | ${envOf(field)} | ${typeOf(field)} | ${field.default === undefined ? '–' : `\`${field.default}\``} | ${field.about} |`,
  )
  return [...head, ...rows].join('\n')
}

const envOf = ({ env, commonEnv }: Field): string =>
  [env, commonEnv]
    .filter((name) => name !== undefined)
    .map((name) => `\`${name}\``)
    .join(', ')

function typeOf({ type, min, max }: Field): string {
  if (type === 'string') return 'text'
  if (type === 'boolean') return '`true`, `false`'
  if (type === 'integer') return `${min} to ${max}`
  return type.map((choice) => `\`${choice}\``).join(', ')
}
