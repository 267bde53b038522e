/** Nested values out of the JSON they come as, whose large numbers stay what they are. */

/** A number that this language cannot hold, as it was written. */
export class Exact {
  constructor(readonly source: string) {}
}

/** The value of a JSON object or list; undefined for a text that is none. With `always`, of any JSON. */
export function parseNested(text: string, always: boolean): unknown {
  if (!always && !/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]);
    return always || (typeof value === "object" && value !== null) ? value : undefined;
  } catch {
    return undefined; // a text that only looks like JSON is shown as the text that it is
  }
}

function exact(_: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || Number.isSafeInteger(value)) return value;
  return /^-?\d+$/.test(source) ? new Exact(source) : value;
}

/** The entries of a list or an object; null for anything else. */
export function entriesOf(value: unknown): [string, unknown][] | null {
  if (typeof value !== "object" || value === null || value instanceof Exact) return null;
  return Array.isArray(value) ? value.map((item, index) => [String(index), item]) : Object.entries(value);
}
