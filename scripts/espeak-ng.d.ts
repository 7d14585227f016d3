/** eSpeak NG compiled to WebAssembly: the command line program, one run per call, with a file system in memory. */
declare module 'espeak-ng' {
  export type Espeak = { readonly FS: { readFile(path: string): Uint8Array } }
  // A module of another author has a default export.
  export default function run(options: {
    readonly arguments: readonly string[]
    readonly print?: (line: string) => void
    readonly printErr?: (line: string) => void
  }): Promise<Espeak>
}
