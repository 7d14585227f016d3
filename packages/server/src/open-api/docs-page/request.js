/** Signing and building of requests in the browser; also run by tests, on Node. */

const encoder = new TextEncoder()

/** @param {ArrayBuffer} bytes */
const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))

/**
 * Base64 of HMAC-SHA256(secret, nonce + created) for AKSK, of SHA256(nonce + created + secret) for WSSE.
 * @param {'AKSK' | 'WSSE'} scheme
 * @param {string} secret
 * @param {string} nonce
 * @param {string} created
 */
async function digest(scheme, secret, nonce, created) {
  if (scheme === 'WSSE')
    return base64(await crypto.subtle.digest('SHA-256', encoder.encode(nonce + created + secret)))
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), hmac, false, ['sign'])
  return base64(await crypto.subtle.sign('HMAC', key, encoder.encode(nonce + created)))
}

/**
 * The headers of a request signed now.
 * @param {{ scheme: 'AKSK' | 'WSSE', key: string, secret: string }} credentials
 */
export async function signedHeaders({ scheme, key, secret }) {
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
  const created = new Date().toISOString().replace(/\.\d+/, '')
  const proof = await digest(scheme, secret, nonce, created)
  return {
    'Content-Type': 'application/json;charset=UTF-8',
    Authorization: `${scheme} realm="SDP",profile="UsernameToken",type="Appkey"`,
    [`X-${scheme}`]: `UsernameToken Username="${key}",PasswordDigest="${proof}",Nonce="${nonce}",Created="${created}"`,
  }
}

/**
 * Path and body out of what was typed; empty fields are left out. Objects, arrays and integers are typed as JSON.
 * @param {string} path
 * @param {{ name: string, in: 'query' | 'body', schema: { type?: string }, value: string }[]} fields
 */
export function buildRequest(path, fields) {
  const given = fields.filter(({ value }) => value !== '')
  const query = given
    .filter((field) => field.in === 'query')
    .map(({ name, value }) => `${name}=${encodeURIComponent(value)}`)
    .join('&')
  const members = given.filter((field) => field.in === 'body')
  const body = fields.some((field) => field.in === 'body')
    ? JSON.stringify(
        Object.fromEntries(members.map(({ name, schema, value }) => [name, typed(schema, value)])),
      )
    : undefined
  return { target: query === '' ? path : `${path}?${query}`, body }
}

/**
 * @param {{ type?: string }} schema
 * @param {string} value
 */
function typed({ type }, value) {
  if (type !== 'object' && type !== 'array' && type !== 'integer') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
