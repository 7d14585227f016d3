import { createCipheriv, timingSafeEqual } from 'node:crypto'
import { AppError } from './app-error.ts'

/**
 * AES-SIV (RFC 5297): deterministic authenticated encryption. The same text under the same key and domain always
 * gives the same bytes, so sealed columns can be searched for equality; any change of a byte is noticed.
 *
 * `node:crypto` has no SIV, and making one of its cipher objects costs 15 µs. Here three cipher objects live as
 * long as the key, and every text needs two calls into OpenSSL (about 1 µs each for a telephone number):
 * the S2V of one domain and one text is one CMAC, and the counter blocks are encrypted together.
 */
export type AesSiv = {
  /** `domain` is the associated data: texts of different domains are unrelated. Returns SIV (16 bytes) + text. */
  seal(text: Uint8Array, domain: SivDomain): Buffer
  /** Throws AppError `SEAL_BROKEN` when the bytes were not sealed by this key for this domain. */
  open(sealed: Uint8Array, domain: SivDomain): Buffer
  /** Prepares a domain from its associated data, usually one name: that part of S2V is computed once. */
  domain(...data: readonly (string | Uint8Array)[]): SivDomain
}

/** S2V of RFC 5297 section 2.4 up to, but not including, the text. */
export type SivDomain = { readonly d: Buffer }

const BLOCK = 16

/** `key` is 32, 48 or 64 bytes: the first half authenticates, the second encrypts (RFC 5297 section 2.2). */
export function createAesSiv(key: Uint8Array): AesSiv {
  const half = key.length / 2
  if (half !== 16 && half !== 24 && half !== 32) {
    throw new AppError('SEAL_KEY_INVALID', `an AES-SIV key has 32, 48 or 64 bytes, not ${key.length}`)
  }
  const bits = half * 8
  const mac = createCipheriv(`aes-${bits}-cbc`, key.subarray(0, half), Buffer.alloc(BLOCK)).setAutoPadding(
    false,
  )
  const counter = createCipheriv(`aes-${bits}-ecb`, key.subarray(half), null).setAutoPadding(false)
  /** The CBC object goes on from its last block; to start anew that block is XORed out of the first one. */
  let chained: Buffer = Buffer.alloc(BLOCK)

  /** CBC-MAC of whole blocks (RFC 4493 section 2.4 without the subkeys); spoils `blocks`. */
  const cbcMac = (blocks: Buffer): Buffer => {
    xorInto(blocks, 0, chained)
    const out = mac.update(blocks)
    return (chained = out.subarray(out.length - BLOCK))
  }

  const k1 = doubled(cbcMac(Buffer.alloc(BLOCK)))
  const k2 = doubled(k1)

  /** AES-CMAC (RFC 4493). */
  const cmac = (text: Uint8Array): Buffer => {
    const whole = text.length > 0 && text.length % BLOCK === 0
    const blocks = Buffer.alloc(whole ? text.length : (Math.floor(text.length / BLOCK) + 1) * BLOCK)
    blocks.set(text)
    if (!whole) blocks[text.length] = 0x80
    xorInto(blocks, blocks.length - BLOCK, whole ? k1 : k2)
    return cbcMac(blocks)
  }

  const zero = Buffer.from(cmac(Buffer.alloc(BLOCK)))

  /** The last step of S2V: the text enters by `xorend`, or padded when it is shorter than a block. */
  const s2v = (text: Uint8Array, d: Buffer): Buffer => {
    if (text.length >= BLOCK) {
      const whole = text.length % BLOCK === 0
      const blocks = Buffer.alloc(Math.ceil(text.length / BLOCK) * BLOCK)
      blocks.set(text)
      xorInto(blocks, text.length - BLOCK, d)
      if (!whole) blocks[text.length] = 0x80
      xorInto(blocks, blocks.length - BLOCK, whole ? k1 : k2)
      return cbcMac(blocks)
    }
    const block = Buffer.alloc(BLOCK)
    block.set(text)
    block[text.length] = 0x80
    xorInto(block, 0, doubled(d))
    xorInto(block, 0, k1)
    return cbcMac(block)
  }

  /**
   * CTR from the SIV; the same call seals and opens. RFC 5297 section 2.5 clears the top bits of the last two words
   * so that counting never carries out of the last one.
   */
  const crypt = (text: Uint8Array, siv: Uint8Array, out: Buffer, offset: number): void => {
    if (text.length === 0) return
    const end = Math.ceil(text.length / BLOCK) * BLOCK
    const blocks = Buffer.allocUnsafe(end)
    let count = ((siv[12]! & 0x7f) << 24) | (siv[13]! << 16) | (siv[14]! << 8) | siv[15]!
    for (let at = 0; at < end; at += BLOCK) {
      for (let i = 0; i < 12; i++) blocks[at + i] = siv[i]!
      blocks[at + 8]! &= 0x7f
      blocks[at + 12] = count >>> 24
      blocks[at + 13] = count >>> 16
      blocks[at + 14] = count >>> 8
      blocks[at + 15] = count++
    }
    const stream = counter.update(blocks)
    for (let i = 0; i < text.length; i++) out[offset + i] = text[i]! ^ stream[i]!
  }

  return {
    seal(text, { d }) {
      const out = Buffer.allocUnsafe(BLOCK + text.length)
      const siv = s2v(text, d)
      out.set(siv)
      crypt(text, siv, out, BLOCK)
      return out
    },
    open(sealed, { d }) {
      if (sealed.length < BLOCK) throw broken()
      const siv = sealed.subarray(0, BLOCK)
      const text = Buffer.allocUnsafe(sealed.length - BLOCK)
      crypt(sealed.subarray(BLOCK), siv, text, 0)
      if (!timingSafeEqual(s2v(text, d), siv)) throw broken()
      return text
    },
    domain(...data) {
      let d: Buffer = Buffer.from(zero)
      for (const part of data) {
        d = doubled(d)
        xorInto(d, 0, cmac(Buffer.from(part as string)))
      }
      return { d }
    },
  }
}

const broken = () =>
  new AppError('SEAL_BROKEN', 'stored data cannot be unsealed: it was changed, or sealed with another key')

function xorInto(target: Buffer, at: number, block: Buffer): void {
  for (let i = 0; i < BLOCK; i++) target[at + i]! ^= block[i]!
}

/** Multiplication by x in GF(2^128) (RFC 5297 section 2.3). */
function doubled(block: Buffer): Buffer {
  const out = Buffer.allocUnsafe(BLOCK)
  for (let i = 0; i < BLOCK - 1; i++) out[i] = ((block[i]! << 1) | (block[i + 1]! >> 7)) & 0xff
  out[BLOCK - 1] = ((block[BLOCK - 1]! << 1) & 0xff) ^ (block[0]! & 0x80 ? 0x87 : 0)
  return out
}
