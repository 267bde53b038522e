/** Mouse, pen and finger over a chart: read at the cursor, drag to zoom, double click to see all again. */

import type { View } from "./view";

const DRAG_PX = 4;

/** A value to point at: its place in CSS pixels. */
export interface Spot {
  left: number;
  top: number;
  colour: string;
}

export class Pointer {
  private readonly line = document.createElement("div");
  private readonly selection = document.createElement("div");
  private dots: HTMLElement[] = [];
  private from: number | null = null;

  constructor(
    private readonly area: HTMLElement,
    private readonly view: View,
    private readonly toStep: (left: number) => number,
  ) {
    this.line.className = "nbt-chart-cursor";
    this.selection.className = "nbt-chart-selection";
    this.line.hidden = true;
    this.selection.hidden = true;
    area.append(this.selection, this.line);
    area.addEventListener("pointerdown", this.down);
    area.addEventListener("pointermove", this.move);
    area.addEventListener("pointerup", this.up);
    area.addEventListener("pointercancel", this.cancel);
    area.addEventListener("pointerleave", this.away);
    area.addEventListener("dblclick", this.reset);
  }

  /** Stand at `left` (null: nowhere) and point at the values there. */
  show(left: number | null, spots: readonly Spot[]): void {
    this.line.hidden = left === null;
    if (left !== null) this.line.style.transform = `translateX(${Math.round(left)}px)`;
    while (this.dots.length < spots.length) {
      const dot = document.createElement("div");
      dot.className = "nbt-chart-dot";
      this.dots.push(dot);
      this.area.append(dot);
    }
    this.dots.forEach((dot, index) => {
      const spot = spots[index];
      dot.hidden = spot === undefined;
      if (!spot) return;
      dot.style.transform = `translate(${spot.left}px, ${spot.top}px)`;
      dot.style.backgroundColor = spot.colour;
    });
  }

  private leftOf(event: PointerEvent): number {
    const { left, width } = this.area.getBoundingClientRect();
    return Math.min(Math.max(event.clientX - left, 0), width);
  }

  private readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.from = this.leftOf(event);
    this.area.setPointerCapture(event.pointerId);
  };

  private readonly move = (event: PointerEvent): void => {
    const left = this.leftOf(event);
    this.view.cursor.set(this.toStep(left));
    if (this.from === null) return;
    this.selection.hidden = Math.abs(left - this.from) < DRAG_PX;
    this.selection.style.left = `${Math.min(left, this.from)}px`;
    this.selection.style.width = `${Math.abs(left - this.from)}px`;
  };

  private readonly up = (event: PointerEvent): void => {
    const { from } = this;
    const left = this.leftOf(event);
    this.cancel();
    if (from !== null && Math.abs(left - from) >= DRAG_PX) {
      this.view.zoomTo(this.toStep(Math.min(from, left)), this.toStep(Math.max(from, left)));
    }
  };

  private readonly cancel = (): void => {
    this.from = null;
    this.selection.hidden = true;
  };

  private readonly away = (): void => {
    if (this.from === null) this.view.cursor.set(null);
  };

  private readonly reset = (): void => this.view.reset();
}
