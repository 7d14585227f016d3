/** A string literal of a source text: where its opening quote stands and what is between the quotes. */
export type StringLiteral = { readonly start: number; readonly value: string }

/**
 * Separates code from comments and strings, as far as an import check needs it: `code` has the length of `text`, with
 * comments, the insides of strings, template text and regular expressions blanked; line ends stay.
 */
export function scan(text: string): { readonly code: string; readonly strings: readonly StringLiteral[] } {
  const strings: StringLiteral[] = []
  let code = ''
  let at = 0
  /** Depths of `{` inside the `${` of open templates. */
  const templates: number[] = []
  const blankTo = (end: number) => {
    code += text.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  while (at < text.length) {
    const char = text[at]!
    const next = text[at + 1]
    if (char === '/' && next === '/') blankTo(endOr(text, text.indexOf('\n', at), 0))
    else if (char === '/' && next === '*') blankTo(endOr(text, text.indexOf('*/', at + 2), 2))
    else if (char === "'" || char === '"') {
      const end = endOfLiteral(text, at + 1, char)
      strings.push({ start: at, value: text.slice(at + 1, end - 1) })
      code += char
      at += 1
      blankTo(end - 1)
      code += char
      at = end
    } else if (char === '`') templateText(at + 1)
    else if (char === '}' && templates.at(-1) === 0) {
      templates.pop()
      templateText(at + 1)
    } else if (char === '/' && opensRegExp(code)) blankTo(endOfRegExp(text, at + 1))
    else {
      if (char === '{' && templates.length > 0) templates[templates.length - 1]! += 1
      if (char === '}' && templates.length > 0) templates[templates.length - 1]! -= 1
      code += char
      at += 1
    }
  }
  return { code, strings }

  /** Blanks template text from `from` up to the closing backtick or the next `${`. */
  function templateText(from: number): void {
    let end = from
    while (end < text.length && text[end] !== '`' && !(text[end] === '$' && text[end + 1] === '{')) {
      end += text[end] === '\\' ? 2 : 1
    }
    if (text[end] === '$') {
      templates.push(0)
      end += 1
    }
    blankTo(Math.min(end + 1, text.length))
  }
}

const endOr = (text: string, found: number, width: number) => (found < 0 ? text.length : found + width)

/** Offset after the closing quote; an unclosed string (no valid program has one) ends with its line. */
function endOfLiteral(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === quote) return at + 1
    else if (text[at] === '\n') return at
  }
  return text.length
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at += 1
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '\n') return at
    else if (char === '/' && !inClass) return at + 1
  }
  return text.length
}

/** A slash after a value divides; after an operator, a bracket or a keyword it opens a regular expression. */
const opensRegExp = (before: string) =>
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|throw|await))\s*$/.test(
    before.slice(-40),
  )
