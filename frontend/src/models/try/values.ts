/** What stands in the fields of *Try it*, and what of it is sent. */

import { parseNumber } from "../../shared/controls/parse";
import type { TryField } from "../wire";

/** What a field holds: text as it was typed, a switch, or a file. */
export type Value = string | boolean | File | null;
export type Given = Readonly<Record<string, Value>>;

/** What a field holds before anybody has touched it: its example. */
export function first({ type, example, choices }: TryField): Value {
  switch (type) {
    case "switch":
      return example === true;
    case "file":
      return null;
    case "choice":
      return String(example ?? choices[0] ?? "");
    case "series":
      // A line for each step, as they are pasted from a table.
      return Array.isArray(example) ? example.map((step) => String(step)).join("\n") : String(example ?? "");
    default:
      return example === null || example === undefined ? "" : String(example);
  }
}

/** The value as Python takes it; what is no number goes as it was typed, and is refused there in words. */
export async function sent(
  { type }: TryField,
  value: Value,
  upload: (file: File) => Promise<string>,
): Promise<unknown> {
  if (value instanceof File) return upload(value);
  if (typeof value !== "string" || type !== "number") return value;
  return value.trim() === "" ? null : (parseNumber(value) ?? value);
}
