/** How the charts of one panel are looked at, all together: zoom, smoothing, axis, cursor. */

import { Signal } from "../signal";

/** First and last step in view. */
export type Range = readonly [first: number, last: number];

export class View {
  /** Null follows the run: from its first step to its newest. */
  readonly zoom = new Signal<Range | null>(null);
  /** 0 (off) up to below 1. */
  readonly smoothing = new Signal(0);
  readonly log = new Signal(false);
  /** The step under the mouse, or null. */
  readonly cursor = new Signal<number | null>(null);
  /** Raised when finer points of the stretch in view have come. */
  readonly detail = new Signal(0);

  /** Calls `listener` after every change that asks for a new drawing; returns the way out. */
  onChange(listener: () => void): () => void {
    const ways = [this.zoom, this.smoothing, this.log, this.detail].map((signal) => signal.subscribe(listener));
    return () => {
      for (const leave of ways) leave();
    };
  }

  zoomTo(first: number, last: number): void {
    // Below two steps there is nothing to see between the points.
    const middle = (first + last) / 2;
    const half = Math.max(Math.abs(last - first), 2) / 2;
    this.zoom.set([middle - half, middle + half]);
  }

  reset(): void {
    this.zoom.set(null);
  }
}
