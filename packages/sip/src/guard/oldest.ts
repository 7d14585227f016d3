/** Drops entries from the oldest on (a Map keeps the order in which they were set) until at most `max` are left. */
export function keepNewest<K>(map: Map<K, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
