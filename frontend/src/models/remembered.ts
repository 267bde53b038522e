/** A choice of how things are shown, kept by the browser. Where it keeps nothing, it lasts as long as the panel. */

import { useState } from "preact/hooks";

export function useRemembered<T extends string>(
  name: string,
  choices: readonly T[],
  plain: T,
): [T, (value: T) => void] {
  const key = `nbtrain.${name}`;
  const [value, setValue] = useState<T>(() => {
    const kept = read(key);
    return choices.find((choice) => choice === kept) ?? plain;
  });
  const change = (next: T): void => {
    setValue(next);
    try {
      localStorage.setItem(key, next);
    } catch {
      // A page may be forbidden to keep anything.
    }
  };
  return [value, change];
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
