import { buildRequest, signedHeaders } from './request.js'

/** Draws the OpenAPI document: one entry for each operation, with a form that sends it, and one for each push. */

const $ = (id) => document.getElementById(id)

/** An element with its text, attributes and children. Texts are never read as HTML. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made[key] = value
  made.append(...children)
  return made
}

const row = (...cells) => element('tr', {}, ...cells.map((cell) => element('td', {}, cell)))

/** `String(1-32)`, `0 to 2`, `true, false` … of a schema, for people. */
function rule({
  type,
  enum: choices,
  minLength,
  maxLength,
  minimum,
  maximum,
  pattern,
  description,
  ...rest
}) {
  const parts = []
  if (choices) parts.push(choices.join(', '))
  else if (maxLength !== undefined) parts.push(`String(${minLength ?? 0}-${maxLength})`)
  else if (maximum !== undefined) parts.push(`Integer ${minimum} to ${maximum}`)
  else parts.push(rest.const ?? type ?? '')
  if (pattern) parts.push(pattern)
  if (description) parts.push(description)
  return parts.join('; ')
}

/** The fields of an operation: query parameters, then members of the body. */
function fieldsOf({ parameters, requestBody }) {
  const schema = requestBody?.content['application/json'].schema ?? { properties: {} }
  const members = Object.entries(schema.properties).map(([name, each]) => ({
    name,
    in: 'body',
    required: schema.required?.includes(name) ?? false,
    schema: each,
  }))
  return [...parameters, ...members]
}

function form(fields) {
  const inputs = fields.map(({ schema }) =>
    element('input', { spellcheck: false, placeholder: schema.examples?.[0] ?? '' }),
  )
  const rows = fields.map(({ name, required, schema }, i) =>
    row(element('code', {}, name), required ? 'required' : '', rule(schema), inputs[i]),
  )
  return { table: element('table', {}, ...rows), values: () => inputs.map(({ value }) => value) }
}

function resultTable(responses) {
  const rows = Object.entries(responses).flatMap(([status, { content, description }]) => {
    const examples = content?.['application/json'].examples
    if (!examples) return [row(status, '', description)]
    return Object.values(examples).map(({ value }) => row(status, value.resultcode, value.resultdesc))
  })
  return element(
    'details',
    {},
    element('summary', {}, 'Answers and result codes'),
    element('table', {}, ...rows),
  )
}

async function send(method, path, fields, values, output) {
  const { target, body } = buildRequest(
    path,
    fields.map((field, i) => ({ ...field, value: values[i] })),
  )
  const credentials = { scheme: $('scheme').value, key: $('key').value.trim(), secret: $('secret').value }
  const shown = element('pre', {}, `${method} ${target}\n${body ?? ''}`)
  output.replaceChildren(shown)
  if (credentials.key === '' || credentials.secret === '') {
    const hint = 'Fill in APP_Key and APP_Secret above: every request is signed with them.'
    output.append(element('pre', { className: 'warning' }, hint))
    return
  }
  try {
    const init = { method, headers: await signedHeaders(credentials), body }
    const response = await fetch(target, init)
    output.append(element('pre', {}, `${response.status} ${response.statusText}`), await bodyOf(response))
  } catch (error) {
    output.append(element('pre', { className: 'warning' }, String(error)))
  }
}

/** The download address answers with a redirect, which the browser follows by itself: then the answer is the audio. */
async function bodyOf(response) {
  if (response.headers.get('content-type')?.startsWith('audio/'))
    return element('audio', { controls: true, src: URL.createObjectURL(await response.blob()) })
  const text = await response.text()
  try {
    return element('pre', {}, JSON.stringify(JSON.parse(text), null, 2))
  } catch {
    return element('pre', {}, text)
  }
}

function operation(path, method, doc) {
  const fields = fieldsOf(doc)
  const { table, values } = form(fields)
  const output = element('div')
  const button = element('button', { type: 'button' }, 'Send')
  button.addEventListener('click', () => send(method, path, fields, values(), output))
  return element(
    'details',
    { id: doc.operationId },
    element('summary', {}, element('b', {}, method), `${doc.summary} `, element('code', {}, path)),
    table,
    button,
    output,
    resultTable(doc.responses),
  )
}

function push(name, { summary, requestBody }) {
  const { schema, example } = requestBody.content['application/json']
  return element(
    'details',
    { id: name },
    element('summary', {}, element('b', {}, 'POST'), summary),
    element('p', {}, 'Example'),
    element('pre', {}, JSON.stringify(example, null, 2)),
    element('p', {}, 'Schema'),
    element('pre', {}, JSON.stringify(schema, null, 2)),
  )
}

const { paths, tags, webhooks } = await (await fetch('/docs/openapi.json')).json()
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, doc]) => ({ path, method: method.toUpperCase(), doc })),
)
for (const { name } of tags) {
  const mine = operations.filter(({ doc }) => doc.tags.includes(name))
  $('operations').append(
    element('h2', {}, name),
    ...mine.map(({ path, method, doc }) => operation(path, method, doc)),
  )
}
$('operations').append(
  element('h2', {}, 'Pushes to your servers'),
  ...Object.entries(webhooks).map(([name, { post }]) => push(name, post)),
)
$('insecure').hidden = globalThis.isSecureContext
