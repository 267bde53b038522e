/** Ids that are unique on the page. Preact's own begin anew in every panel, and a notebook holds several. */

import { useState } from "preact/hooks";
import { newId } from "./rpc";

const BUNDLE = newId().slice(0, 8);
let count = 0;

export function useUid(): string {
  return useState(() => `nbt-${BUNDLE}-${++count}`)[0];
}
