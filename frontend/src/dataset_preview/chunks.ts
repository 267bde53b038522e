/** Rows that are fetched in chunks: what is wanted is asked for, what is wanted no more is called off, few are kept. */

import { newId } from "../shared/rpc";
import { Signal } from "../shared/signal";

/** The scrollbar may fly past: what is wanted is looked at this often. */
const EVERY_MS = 40;
/** Questions that are open at a time. */
const MOST_OPEN = 2;

export interface ChunkEvents<T> {
  /** Asks for `limit` rows from `offset`; `call` is its name for calling it off. */
  load(offset: number, limit: number, call: string): Promise<T>;
  cancel(call: string): void;
  /** A chunk is let go of. */
  drop?(chunk: T): void;
}

export class Chunks<T> {
  /** Raised when something came, or failed. */
  readonly version = new Signal(0);
  /** Why the last question was refused; asked again after `retry`. */
  readonly failure = new Signal<unknown>(null);
  readonly #kept = new Map<number, T>();
  readonly #open = new Map<number, string>();
  #wanted: [number, number] = [0, 0];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly size: number,
    private readonly most: number,
    private readonly events: ChunkEvents<T>,
  ) {}

  /** The chunk that row `row` is in, and the row's place there; undefined while it has not come. */
  at(row: number): { chunk: T; place: number } | undefined {
    const number = Math.floor(row / this.size);
    const chunk = this.#kept.get(number);
    return chunk === undefined ? undefined : { chunk, place: row - number * this.size };
  }

  /** Rows `first` up to `last` are looked at now. */
  want(first: number, last: number): void {
    this.#wanted = [Math.floor(first / this.size), Math.ceil(last / this.size)];
    if (this.#timer !== undefined || this.#missing().length === 0) return;
    if (this.#open.size === 0 && this.#kept.size === 0) this.#ask();
    else this.#timer = setTimeout(this.#due, EVERY_MS);
  }

  /** Forgets everything and calls off what is on its way. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const call of this.#open.values()) this.events.cancel(call);
    this.#open.clear();
    for (const chunk of this.#kept.values()) this.events.drop?.(chunk);
    this.#kept.clear();
    this.#wanted = [0, 0];
    this.failure.set(null);
  }

  retry(): void {
    this.failure.set(null);
    this.#ask();
  }

  readonly #due = (): void => {
    this.#timer = undefined;
    this.#ask();
  };

  /** Numbers of chunks that are looked at and not there, those on their way left out. */
  #missing(): number[] {
    const [first, last] = this.#wanted;
    const missing: number[] = [];
    for (let number = first; number < last; number++) {
      if (!this.#kept.has(number) && !this.#open.has(number)) missing.push(number);
    }
    return missing;
  }

  #ask(): void {
    const [first, last] = this.#wanted;
    for (const [number, call] of this.#open) {
      if (number >= first && number < last) continue;
      this.#open.delete(number);
      this.events.cancel(call);
    }
    if (this.failure.get() !== null) return;
    for (const number of this.#missing().slice(0, MOST_OPEN - this.#open.size)) void this.#load(number);
  }

  async #load(number: number): Promise<void> {
    const call = newId();
    this.#open.set(number, call);
    const wanted = (): boolean => this.#open.get(number) === call;
    try {
      const chunk = await this.events.load(number * this.size, this.size, call);
      if (!wanted()) {
        this.events.drop?.(chunk);
        return;
      }
      this.#open.delete(number);
      this.#keep(number, chunk);
    } catch (error) {
      if (!wanted()) return; // called off: its refusal is no news
      this.#open.delete(number);
      this.failure.set(error);
    }
    this.version.set(this.version.get() + 1);
    this.#ask();
  }

  /** Beyond the most, what came longest ago and is not looked at goes. */
  #keep(number: number, chunk: T): void {
    this.#kept.set(number, chunk);
    const [first, last] = this.#wanted;
    for (const [old, gone] of this.#kept) {
      if (this.#kept.size <= this.most) return;
      if (old >= first && old < last) continue;
      this.#kept.delete(old);
      this.events.drop?.(gone);
    }
  }
}
