/** A value that can be watched. Small on purpose: panels hold a handful of them. */

import { useLayoutEffect, useReducer } from "preact/hooks";

export interface Readable<T> {
  get(): T;
  /** Calls `listener` after each change; returns the way out. */
  subscribe(listener: () => void): () => void;
}

export class Signal<T> implements Readable<T> {
  readonly #listeners = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The value of `source`, and a new drawing of the component whenever it changes. */
export function useValue<T>(source: Readable<T>): T {
  const [, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);
  useLayoutEffect(() => source.subscribe(() => redraw(undefined)), [source]);
  return source.get();
}
