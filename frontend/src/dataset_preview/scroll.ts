/**
 * Where a table of any length stands in a scrolled element of limited height: browsers make no element higher than
 * about 17 million pixels, and four million rows are 112 million high. There a short way of the scrollbar is taken as
 * it is, so that the wheel moves row by row, and a long one as a share of the whole.
 */

export const ROW_HEIGHT = 28;
/** No element is made higher. */
export const MOST_HEIGHT = 10_000_000;

export class Scroll {
  /** Pixels of the table above the first one that is seen. */
  top = 0;
  #rows = 0;
  #view = 0;
  #scrollTop = 0;

  constructor(
    private readonly rowHeight = ROW_HEIGHT,
    private readonly mostHeight = MOST_HEIGHT,
  ) {}

  /** Height of the element that stands for all rows. */
  get height(): number {
    return Math.min(this.#full, this.mostHeight);
  }

  /** Where the scrollbar should stand for what is seen. */
  get scrollTop(): number {
    if (!this.#scaled) return this.top;
    return (this.top / (this.#full - this.#view)) * (this.height - this.#view);
  }

  /** Pixels from the top of the element to row `row`, as things stand. */
  place(row: number): number {
    return row * this.rowHeight - this.top + this.#scrollTop;
  }

  /** Rows that are seen at least in part: from the first up to, and without, the last. */
  get seen(): [number, number] {
    const first = Math.floor(this.top / this.rowHeight);
    const last = Math.ceil((this.top + this.#view) / this.rowHeight);
    return [Math.min(first, this.#rows), Math.min(last, this.#rows)];
  }

  /** The table has so many rows now, and so many pixels of it are seen. */
  resize(rows: number, view: number): void {
    this.#rows = rows;
    this.#view = view;
    this.top = this.#clamp(this.top);
  }

  /** The scrollbar was moved. */
  moved(scrollTop: number): void {
    const way = scrollTop - this.#scrollTop;
    this.#scrollTop = scrollTop;
    if (!this.#scaled) this.top = this.#clamp(scrollTop);
    else if (Math.abs(way) <= 2 * this.#view) this.top = this.#clamp(this.top + way);
    else this.top = this.#clamp((scrollTop / (this.height - this.#view)) * (this.#full - this.#view));
  }

  /** The scrollbar was put to `scrollTop` without moving the table under the reader's eyes. */
  anchored(scrollTop: number): void {
    this.#scrollTop = scrollTop;
  }

  /** The scrollbar has come to an end of its way, and the table has not, or the other way round. */
  get astray(): boolean {
    const end = this.height - this.#view;
    const atEnd = this.#scrollTop <= 0 || this.#scrollTop >= end - 1;
    return this.#scaled && atEnd && Math.abs(this.scrollTop - this.#scrollTop) > 1;
  }

  /** Brings row `row` into view, by as little as possible. */
  reveal(row: number): void {
    const start = row * this.rowHeight;
    if (start < this.top) this.top = start;
    else if (start + this.rowHeight > this.top + this.#view) this.top = start + this.rowHeight - this.#view;
    this.top = this.#clamp(this.top);
  }

  get #full(): number {
    return this.#rows * this.rowHeight;
  }

  get #scaled(): boolean {
    return this.#full > this.mostHeight;
  }

  #clamp(top: number): number {
    return Math.max(0, Math.min(top, this.#full - this.#view));
  }
}
