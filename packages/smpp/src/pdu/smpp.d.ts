/** The parts of the npm package smpp that we use: its tables of commands, parameters and TLVs, and its encoder. */
declare module 'smpp' {
  export type FieldType = {
    read(buffer: Buffer, offset: number, length?: number): unknown
    /** Bytes that the value takes on the wire. */
    size(value: unknown): number
  }

  export class PDU {
    constructor(command: string, options: Readonly<Record<string, unknown>>)
    toBuffer(): Buffer
    /** Turns texts and dates into bytes before they are written, and back. */
    _filter(direction: 'encode' | 'decode'): void
  }

  type Smpp = {
    readonly PDU: typeof PDU
    readonly commands: Readonly<
      Record<
        string,
        { readonly id: number; readonly params?: Readonly<Record<string, { readonly type: FieldType }>> }
      >
    >
    readonly tlvs: Readonly<Record<string, { readonly id: number }>>
    readonly errors: Readonly<Record<string, number>>
  }

  // CommonJS, which fills most of its exports in a loop: they come by the default only.
  const smpp: Smpp
  export default smpp
}
