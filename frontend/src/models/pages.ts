/** The list of models, of which only the pages that are looked at are asked for. */

import { Signal } from "../shared/signal";
import type { ModelPage, ModelRow } from "./wire";

/** Rows of a page. */
export const PAGE = 100;
/** Pages that are kept. */
const KEPT = 12;

export interface Query {
  search: string;
  sort: string;
  descending: boolean;
  stage: string;
  category: string;
  tag: string;
}

export type Load = (query: Record<string, unknown>, offset: number, limit: number) => Promise<ModelPage>;

export class Pages {
  /** Raised when something came, or failed. */
  readonly version = new Signal(0);
  /** The page that came last: how many there are, and what can be filtered by. Null before the first. */
  newest: ModelPage | null = null;
  /** Why the last question was refused. */
  failure: unknown = null;
  readonly #load: Load;
  #query: Record<string, unknown> = {};
  readonly #kept = new Map<number, ModelRow[]>();
  /** Pages that came before the last change of the list: they are shown until they come anew. */
  readonly #stale = new Set<number>();
  readonly #open = new Set<number>();
  #round = 0;
  #wanted: [number, number] = [0, 1];

  constructor(load: Load) {
    this.#load = load;
  }

  at(index: number): ModelRow | undefined {
    return this.#kept.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** The row of this model and where it is, as far as it was looked at. */
  find(model: string): { row: ModelRow; index: number } | undefined {
    for (const [page, rows] of this.#kept) {
      const place = rows.findIndex(({ id }) => id === model);
      const row = rows[place];
      if (row) return { row, index: page * PAGE + place };
    }
    return undefined;
  }

  /** Rows `first` up to `last` are looked at. */
  want(first: number, last: number): void {
    this.#wanted = [Math.floor(first / PAGE), Math.max(1, Math.ceil(last / PAGE))];
    this.#ask();
  }

  /** Another question; what the last one found stays in sight until the answer is there. */
  ask(query: Query): void {
    const given = Object.entries(query).filter(([, value]) => value !== "");
    this.#query = Object.fromEntries(given);
    this.#wanted = [0, 1];
    this.refresh();
  }

  /** The models may have changed. */
  refresh(): void {
    this.#round += 1;
    this.#open.clear();
    for (const page of this.#kept.keys()) this.#stale.add(page);
    this.failure = null;
    this.#ask();
  }

  #ask(): void {
    if (this.failure !== null) return;
    const [first, last] = this.#wanted;
    for (let page = first; page < last; page++) {
      const there = this.#kept.has(page) && !this.#stale.has(page);
      if (!there && !this.#open.has(page)) void this.#fetch(page);
    }
  }

  async #fetch(page: number): Promise<void> {
    const round = this.#round;
    this.#open.add(page);
    try {
      const found = await this.#load(this.#query, page * PAGE, PAGE);
      if (round !== this.#round) return;
      this.#open.delete(page);
      this.#keep(page, found);
    } catch (error) {
      if (round !== this.#round) return;
      this.#open.delete(page);
      this.failure = error;
    }
    this.version.set(this.version.get() + 1);
    this.#ask();
  }

  #keep(page: number, found: ModelPage): void {
    // What was found by another question must not stand beside this.
    for (const old of [...this.#stale]) if (old !== page && !this.#isWanted(old)) this.#kept.delete(old);
    this.newest = found;
    this.#stale.delete(page);
    this.#kept.delete(page);
    this.#kept.set(page, found.rows);
    for (const old of [...this.#kept.keys()]) {
      if (this.#kept.size <= KEPT) break;
      if (!this.#isWanted(old)) this.#kept.delete(old);
    }
  }

  #isWanted(page: number): boolean {
    return page >= this.#wanted[0] && page < this.#wanted[1];
  }
}
