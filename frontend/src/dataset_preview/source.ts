/** The table as the browser has it: a few pages of rows, how many there are, and small pictures of images. */

import { newId, RequestError, type Rpc } from "../shared/rpc";
import { Signal } from "../shared/signal";
import { Chunks } from "./chunks";
import { type Cell, Page } from "./page";
import { EVERYTHING, findsAll, type Query } from "./query";
import type { CellText, MediaItem } from "./wire";

const PAGES_KEPT = 60;
const MEDIA_ROWS = 8;
const MEDIA_KEPT = 30;
/** Pixels of a picture in a cell: twice what is seen, for fine screens. */
const CELL_EDGE = 48;
const PANE_EDGE = 1600;

/** An image or a sound that came: what is said of it, and where the browser finds it. */
export interface Medium {
  item: MediaItem;
  /** Empty where there is nothing to show. Made for this panel and to be revoked. */
  url: string;
}

export class Source {
  readonly query = new Signal<Query>(EVERYTHING);
  /** Rows that the query finds; null while they are being counted. */
  readonly found = new Signal<number | null>(null);
  /** Rows of the whole table; null while not known. */
  readonly total = new Signal<number | null>(null);
  /** Why the rows could not be counted. */
  readonly uncounted = new Signal<unknown>(null);
  readonly pages: Chunks<Page>;
  readonly #rpc: Rpc;
  readonly #media = new Map<string, Chunks<Medium[]>>();
  #counting = "";
  #reach: number;

  constructor(rpc: Rpc, pageRows: number) {
    this.#rpc = rpc;
    this.#reach = pageRows;
    this.pages = new Chunks<Page>(pageRows, PAGES_KEPT, {
      load: (offset, limit, call) => this.#page(offset, limit, call),
      cancel: (call) => this.#cancel(call),
    });
  }

  /** Rows that can be scrolled to: those found, or, while they are being counted, those that are surely there. */
  get reach(): number {
    return this.found.get() ?? this.#reach;
  }

  /** Finds out how many rows there are; pages come when they are wanted. */
  start(): void {
    if (this.found.get() === null) void this.#count();
  }

  /** Shows what another query finds. */
  ask(query: Query): void {
    this.close();
    this.query.set(query);
    this.found.set(findsAll(query) ? this.total.get() : null);
    this.uncounted.set(null);
    this.#reach = this.pages.size;
    this.pages.want(0, this.pages.size);
    this.start();
  }

  /** Asks again for what could not be had. */
  retry(): void {
    if (this.uncounted.get() !== null) {
      this.uncounted.set(null);
      void this.#count();
    }
    this.pages.retry();
  }

  cell(row: number, column: number): Cell | undefined {
    const found = this.pages.at(row);
    return found && found.place < found.chunk.count ? found.chunk.cell(found.place, column) : undefined;
  }

  /** The number in the table of what stands at `row` now. */
  number(row: number): number | undefined {
    const found = this.pages.at(row);
    return found && found.place < found.chunk.count ? found.chunk.row(found.place) : undefined;
  }

  /** One cell, whole. */
  whole(row: number, column: string): Promise<CellText> {
    return this.#rpc.request<CellText>("cell", { ...this.#about(row), column, call: newId() });
  }

  /** An image as large as a pane takes it, or a sound. The caller revokes its address. */
  async medium(row: number, column: string): Promise<Medium | undefined> {
    return (await this.#mediaOf(column, row, 1, PANE_EDGE, newId()))[0];
  }

  /** The small pictures of a column's images. */
  pictures(column: string): Chunks<Medium[]> {
    const known = this.#media.get(column);
    if (known) return known;
    const made = new Chunks<Medium[]>(MEDIA_ROWS, MEDIA_KEPT, {
      load: (offset, limit, call) => this.#mediaOf(column, offset, limit, CELL_EDGE, call),
      cancel: (call) => this.#cancel(call),
      drop: (media) => media.forEach(revoke),
    });
    this.#media.set(column, made);
    return made;
  }

  /** Calls off what is on its way and lets go of everything. */
  close(): void {
    this.pages.clear();
    for (const media of this.#media.values()) media.clear();
    if (this.#counting) this.#cancel(this.#counting);
    this.#counting = "";
  }

  #about(offset: number) {
    return { query: this.query.get(), offset };
  }

  async #page(offset: number, limit: number, call: string): Promise<Page> {
    const query = this.query.get();
    const fields = { ...this.#about(offset), limit, call };
    const { result, buffers } = await this.#rpc.requestWithBuffers<{ rows: number | null }>("page", fields);
    const [buffer] = buffers;
    if (!buffer) throw new Error("A page came without its rows.");
    const page = new Page(buffer);
    if (query === this.query.get()) this.#learn(result.rows, offset, page.count);
    return page;
  }

  /** What a page tells of how many rows there are. */
  #learn(rows: number | null, offset: number, count: number): void {
    const last = count < this.pages.size && (count > 0 || offset === 0);
    const known = rows ?? (last ? offset + count : null);
    if (known !== null) this.#settle(known);
    else this.#reach = Math.max(this.#reach, offset + count + this.pages.size);
  }

  #settle(rows: number): void {
    if (this.#counting) this.#cancel(this.#counting);
    this.#counting = "";
    this.found.set(rows);
    if (findsAll(this.query.get())) this.total.set(rows);
  }

  async #count(): Promise<void> {
    const call = newId();
    this.#counting = call;
    try {
      const { rows } = await this.#rpc.request<{ rows: number }>("count", { query: this.query.get(), call });
      if (this.#counting !== call) return;
      this.#counting = "";
      this.#settle(rows);
    } catch (error) {
      if (this.#counting !== call) return;
      this.#counting = "";
      this.uncounted.set(error);
    }
  }

  async #mediaOf(column: string, offset: number, limit: number, edge: number, call: string): Promise<Medium[]> {
    const fields = { ...this.#about(offset), limit, column, edge, call };
    const { result, buffers } = await this.#rpc.requestWithBuffers<{ items: MediaItem[] }>("media", fields);
    return result.items.map((item, index) => ({ item, url: item.kind ? urlOf(buffers[index], item.kind) : "" }));
  }

  #cancel(call: string): void {
    this.#rpc.request("cancel", { call }).catch((error: unknown) => {
      // A kernel that is gone works on nothing any more; of anything else nobody needs to hear but a developer.
      if (!(error instanceof RequestError)) throw error;
    });
  }
}

export function revoke(medium: Medium): void {
  if (medium.url) URL.revokeObjectURL(medium.url);
}

/** Kinds that a browser shows and does not run. */
const SAFE = /^(image\/(png|jpeg|webp)|audio\/(wav|mpeg|ogg|flac|mp4|aac|webm))$/;

function urlOf(buffer: DataView | undefined, kind: string): string {
  if (!buffer || !SAFE.test(kind)) return "";
  const bytes = new Uint8Array(buffer.byteLength);
  bytes.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  return URL.createObjectURL(new Blob([bytes], { type: kind }));
}
