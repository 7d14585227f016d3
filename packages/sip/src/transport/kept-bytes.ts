/**
 * A sent message that is kept for retransmission, mostly in vain and for half a minute. As text it is one small heap
 * object; as a Buffer it would pin the pool slab it was cut from, with a dozen other messages in it.
 */
export type KeptBytes = string & { readonly kept: unique symbol }

export const keepBytes = (bytes: Uint8Array): KeptBytes =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') as KeptBytes

export const bytesOf = (kept: KeptBytes): Buffer => Buffer.from(kept, 'latin1')
