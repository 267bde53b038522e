/** Nested values out of the JSON they come as, whose large numbers stay what they are. */

import { newId } from "../shared/rpc";

/** A number that this language cannot hold, as it was written. */
export class Exact {
  constructor(readonly source: string) {}
}

/** Strings, which are left alone, and numbers. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Key of the object that stands for a large number while it is parsed; nobody can know it before. */
const MARK = newId();

/** The value of a JSON object or list; undefined for a text that is none. With `always`, of any JSON. */
export function parseNested(text: string, always: boolean): unknown {
  if (!always && !/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text.replace(TOKENS, marked), exact);
    return always || (typeof value === "object" && value !== null) ? value : undefined;
  } catch {
    return undefined; // a text that only looks like JSON is shown as the text that it is
  }
}

function marked(token: string): string {
  const large = /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
  return large ? `{"${MARK}":"${token}"}` : token;
}

function exact(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, MARK)) return value;
  return new Exact(String((value as Record<string, unknown>)[MARK]));
}

/** The entries of a list or an object; null for anything else. */
export function entriesOf(value: unknown): [string, unknown][] | null {
  if (typeof value !== "object" || value === null || value instanceof Exact) return null;
  return Array.isArray(value) ? value.map((item, index) => [String(index), item]) : Object.entries(value);
}
