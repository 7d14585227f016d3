/** Texts of every kind that SMS come in. */
export const TEXTS = {
  'short English': 'See you at 5?',
  'long English with the extension table': 'Price [€] {a|b} ~5^2 \\ @home_1: '.repeat(12),
  'short Chinese': '快递到了',
  'long Chinese': '您的快递已到小区门口，请尽快来取。'.repeat(12),
  'long with emoji': '好的👍🏽👨‍👩‍👧 '.repeat(30),
} as const
