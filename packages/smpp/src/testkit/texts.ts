import fc from 'fast-check'

const unit = fc.oneof(
  fc.constantFrom(...'@€[]{}~^|\\abc 你好😀é\n\f'),
  fc.string({ unit: 'binary', maxLength: 1 }),
  fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)),
)

/** Left to itself fast-check makes ten units of 700 allowed, and no text is long. */
const long = { maxLength: 700, size: 'max' } as const

/** Any text, of none to many parts: of the GSM alphabet, of any of Unicode, with surrogates that stand alone. */
export const texts = fc.oneof(
  fc.array(unit, long).map((units) => units.join('')),
  fc.string({ unit: fc.constantFrom(...'@€[]{}~^|\\abc é\n\f'), ...long }),
)

export const headers = fc.constantFrom('udh8', 'udh16', 'sar' as const)
