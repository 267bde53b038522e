/** Numbers as people type them. */

const EASTERN_DIGITS = /[\u06f0-\u06f9\u0660-\u0669]/g;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The number in `text`, or null when it is none. Persian and Arabic digits, the Persian decimal mark and
 * a decimal comma are read too: the keyboard at hand may write nothing else.
 */
export function parseNumber(text: string): number | null {
  const latin = text
    .trim()
    .replace(EASTERN_DIGITS, (digit) => String(digit.charCodeAt(0) & 0xf))
    .replace(/[,\u066b]/, ".")
    .replace("\u2212", "-");
  if (!NUMBER.test(latin)) return null;
  const value = Number(latin);
  return Number.isFinite(value) ? value : null;
}
