/** One AXB binding of the workload: `caller` dials `x`, the server rings `callee`, who sees `x`. */
export type BenchPair = { readonly caller: string; readonly x: string; readonly callee: string }

/** `count` pairs of made-up numbers; the same ones for the load generator and for the server that binds them. */
export function benchPairs(count: number): BenchPair[] {
  return Array.from({ length: count }, (_, i) => {
    const rest = `${i + 1}`.padStart(8, '0')
    return { caller: `+86138${rest}`, x: `+86170${rest}`, callee: `+86139${rest}` }
  })
}
