/** Whether a text holds any of many words, whatever their number: one pass over the text. */
export type WordSearch = { isIn(text: string): boolean }

/**
 * What evades a plain search is folded on both sides: case, full-width and other compatibility forms (NFKC), and
 * characters that nobody sees (zero-width spaces, soft hyphens).
 */
const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')

/** A node and the next UTF-16 unit, as one key. */
const edge = (node: number, unit: number): number => node * 0x10000 + unit

const ROOT = 0

/**
 * Aho and Corasick's automaton: a trie of the words, in which every node knows the longest of its endings that begins a word, so
 * that the search never goes back in the text. Words that are empty once folded are left out.
 */
export function createWordSearch(words: Iterable<string>): WordSearch {
  const edges = new Map<number, number>()
  const parents = [ROOT]
  const units = [0]
  /** Whether a word ends here, or at the node that its failure leads to. */
  const ends = [false]

  for (const word of words) {
    const folded = fold(word)
    if (folded === '') continue
    let node = ROOT
    for (let i = 0; i < folded.length; i++) {
      const unit = folded.charCodeAt(i)
      let next = edges.get(edge(node, unit))
      if (next === undefined) {
        next = parents.length
        edges.set(edge(node, unit), next)
        parents.push(node)
        units.push(unit)
        ends.push(false)
      }
      node = next
    }
    ends[node] = true
  }

  const failures = new Uint32Array(parents.length)
  const step = (from: number, unit: number): number => {
    for (let node = from; ; node = failures[node]!) {
      const next = edges.get(edge(node, unit))
      if (next !== undefined) return next
      if (node === ROOT) return ROOT
    }
  }
  for (const node of byDepth(parents)) {
    const parent = parents[node]!
    failures[node] = parent === ROOT ? ROOT : step(failures[parent]!, units[node]!)
    ends[node] ||= ends[failures[node]!]!
  }

  return {
    isIn(text) {
      if (edges.size === 0) return false
      const folded = fold(text)
      let node = ROOT
      for (let i = 0; i < folded.length; i++) {
        node = step(node, folded.charCodeAt(i))
        if (ends[node]) return true
      }
      return false
    },
  }
}

/** All nodes but the root, nearest to it first: a failure leads to a lesser depth, which must be ready. */
function byDepth(parents: readonly number[]): readonly number[] {
  const depths = new Uint32Array(parents.length)
  for (let node = 1; node < parents.length; node++) depths[node] = depths[parents[node]!]! + 1
  return parents
    .map((_, node) => node)
    .slice(1)
    .sort((a, b) => depths[a]! - depths[b]!)
}
