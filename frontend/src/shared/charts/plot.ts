/** A chart on a canvas: uPlot keeps frame, axes, cursor and selection; the lines are drawn here. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { I18n } from "../i18n";
import { linearTicks, logTicks, tickLabels, valueRange } from "./axis";
import { LIMIT, type Line } from "./decimate";
import { drawLine, drawMarks, type Ink } from "./ink";
import { Pointer, type Spot } from "./pointer";
import { schedule, unschedule } from "./scheduler";
import type { Track } from "./track";
import type { Range, View } from "./view";

/** The name of the performance measure around each redraw. */
export const REDRAW_MEASURE = "nbt-redraw";

/** At least, so that charts above one another begin at the same place as long as their labels are short. */
const AXIS_WIDTH = 46;
const LABEL_GAP = 6;
const AXIS_HEIGHT = 20;
/** Points per CSS pixel beyond which a line gains nothing but ink. */
const POINTS_PER_PX = 2;
const LINE_WIDTH = { measured: 1.4, smooth: 1.8 };
const FEWEST_TICKS = 3;
const PX_PER_TICK = { x: 60, y: 32 };

/** One line of a chart. */
export interface Curve {
  key: string;
  colour: string;
  dashed: boolean;
  /** What to draw for this view: the series itself, or a finer stretch of it. */
  track(zoom: Range | null): Track;
}

interface Drawn {
  curve: Curve;
  track: Track;
  measured: Line;
  smooth: Line | null;
}

export interface PlotOptions {
  view: View;
  words: I18n;
  /** First to newest step of all that the panel shows. */
  extent(): Range | null;
  curves(): readonly Curve[];
  /** After each redraw, in the same frame. */
  onDraw(): void;
}

export class Plot {
  private readonly host: HTMLElement;
  private readonly options: PlotOptions;
  private readonly leave: (() => void)[] = [];
  private chart: uPlot;
  private pointer: Pointer;
  private log: boolean;
  private visible = true;
  private dirty = false;
  private x: Range = [0, 1];
  private y: Range = [0, 1];
  private drawn: Drawn[] = [];
  private ink: Ink;

  constructor(host: HTMLElement, options: PlotOptions) {
    this.host = host;
    this.options = options;
    this.log = options.view.log.get();
    this.ink = this.readInk();
    [this.chart, this.pointer] = this.build();
    this.leave.push(options.view.onChange(() => this.invalidate()));
    this.leave.push(options.view.cursor.subscribe(() => this.moveCursor()));
    const resize = new ResizeObserver(() => this.resize());
    resize.observe(host);
    const sight = new IntersectionObserver((entries) => {
      this.visible = entries.at(-1)?.isIntersecting ?? true;
      if (this.visible && this.dirty) this.invalidate();
    });
    sight.observe(host);
    this.leave.push(
      () => resize.disconnect(),
      () => sight.disconnect(),
    );
    this.invalidate();
  }

  /** Asks for a redraw in the next frame; out of sight, for one when it comes into sight. */
  invalidate(): void {
    this.dirty = true;
    if (this.visible) schedule(this);
  }

  /** Colours or fonts of the page have changed. */
  restyle(): void {
    this.ink = this.readInk();
    this.invalidate();
  }

  destroy(): void {
    unschedule(this);
    for (const leave of this.leave) leave();
    this.chart.destroy();
  }

  /** Draws at once. Called by the scheduler. */
  draw(): void {
    this.dirty = false;
    const start = performance.now();
    if (this.log !== this.options.view.log.get()) this.rebuild();
    this.collect();
    this.chart.batch(() => {
      this.chart.setScale("x", { min: this.x[0], max: this.x[1] });
      this.chart.setScale("y", { min: this.y[0], max: this.y[1] });
    });
    this.moveCursor();
    this.options.onDraw();
    // Kept to the newest, as the browser would hold every one of them for as long as the page lives.
    performance.clearMeasures(REDRAW_MEASURE);
    performance.measure(REDRAW_MEASURE, { start, end: performance.now() });
  }

  private collect(): void {
    const { view } = this.options;
    const zoom = view.zoom.get();
    const extent = zoom ?? this.options.extent() ?? [0, 1];
    this.x = extent[0] === extent[1] ? [extent[0] - 0.5, extent[1] + 0.5] : extent;
    const room = Math.ceil((this.chart.bbox.width / uPlot.pxRatio) * POINTS_PER_PX);
    const style = { smoothing: view.smoothing.get(), log: this.log, limit: Math.max(200, Math.min(LIMIT, room)) };
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    this.drawn = this.options.curves().map((curve) => {
      const track = curve.track(zoom);
      const measured = track.line(this.x[0], this.x[1], style);
      const smooth = style.smoothing > 0 ? track.smoothLine(this.x[0], this.x[1], style) : null;
      if (measured.low < low) low = measured.low;
      if (measured.high > high) high = measured.high;
      return { curve, track, measured, smooth };
    });
    this.y = valueRange(low, high, this.log);
  }

  private paint(chart: uPlot): void {
    const { ctx, bbox } = chart;
    const ratio = uPlot.pxRatio;
    const frame = { ctx, bbox, ratio, x: this.x, y: this.y, log: this.log, ink: this.ink };
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - ratio, bbox.width, bbox.height + 2 * ratio);
    ctx.clip();
    for (const { curve, measured, smooth } of this.drawn) {
      const { colour, dashed } = curve;
      drawLine(frame, measured, { colour, dashed, width: LINE_WIDTH.measured, alpha: smooth ? 0.28 : 1 });
      if (smooth) drawLine(frame, smooth, { colour, dashed, width: LINE_WIDTH.smooth, alpha: 1 });
    }
    const { words } = this.options;
    for (const { measured, track } of this.drawn) {
      const { steps, values } = track.series;
      const marks = measured.odd.map((index) => ({
        step: steps[index] as number,
        word: words.t(Number.isFinite(values[index]) ? "charts.not_positive" : "charts.not_finite"),
      }));
      drawMarks(frame, marks);
    }
    ctx.restore();
  }

  private build(): [uPlot, Pointer] {
    const { view, words } = this.options;
    const ticks = (chart: uPlot, axis: number, low: number, high: number): number[] => {
      const size = axis === 0 ? chart.bbox.width / PX_PER_TICK.x : chart.bbox.height / PX_PER_TICK.y;
      const count = Math.max(FEWEST_TICKS, Math.floor(size / uPlot.pxRatio));
      if (axis === 0) return linearTicks(low, high, count).filter(Number.isInteger);
      return this.log ? logTicks(low, high, count) : linearTicks(low, high, count);
    };
    const axis: uPlot.Axis = {
      stroke: () => this.ink.faint,
      font: this.ink.font,
      grid: { stroke: () => this.ink.grid, width: 1 },
      ticks: { show: false },
      border: { show: false },
      splits: ticks,
      filter: (_, splits) => splits,
      values: (_, splits) => tickLabels(splits, words),
    };
    const chart = new uPlot(
      {
        width: Math.max(1, this.host.clientWidth),
        height: Math.max(1, this.host.clientHeight),
        padding: [8, 22, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        series: [{}],
        scales: {
          x: { time: false, range: () => [this.x[0], this.x[1]] },
          y: { range: () => [this.y[0], this.y[1]], distr: this.log ? 3 : 1 },
        },
        axes: [
          { ...axis, size: AXIS_HEIGHT, gap: 4, grid: { show: false } },
          { ...axis, scale: "y", size: (drawn, labels) => this.widthOf(drawn, labels), gap: LABEL_GAP },
        ],
        hooks: {
          // The host reads left to right, as axes do everywhere; the words on it do not, in every language.
          drawClear: [
            ({ ctx }) => {
              ctx.direction = words.direction;
            },
          ],
          draw: [(drawn) => this.paint(drawn)],
        },
      },
      [[]],
      this.host,
    );
    return [chart, new Pointer(chart.over, view, (left) => chart.posToVal(left, "x"))];
  }

  /** Room for the longest label of the value axis. */
  private widthOf({ ctx }: uPlot, labels: readonly string[] | null): number {
    ctx.save();
    ctx.font = this.ink.font;
    const widest = Math.max(0, ...(labels ?? []).map((label) => ctx.measureText(label).width));
    ctx.restore();
    return Math.max(AXIS_WIDTH, Math.ceil(widest) + LABEL_GAP + 2);
  }

  private rebuild(): void {
    this.log = this.options.view.log.get();
    this.chart.destroy();
    [this.chart, this.pointer] = this.build();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === 0 || height === 0 || (width === this.chart.width && height === this.chart.height)) return;
    this.chart.setSize({ width, height });
    this.invalidate();
  }

  /** Some chart of the panel is pointed at: stand at the same step in this one. */
  private moveCursor(): void {
    const step = this.options.view.cursor.get();
    if (step === null || step < this.x[0] || step > this.x[1]) {
      this.pointer.show(null, []);
      return;
    }
    const spots = this.drawn.flatMap(({ curve, track }): Spot[] => {
      const point = track.nearest(step);
      if (!point || point.step < this.x[0] || point.step > this.x[1] || !(point.value >= this.y[0])) return [];
      const [left, top] = [this.chart.valToPos(point.step, "x"), this.chart.valToPos(point.value, "y")];
      return [{ left, top, colour: curve.colour }];
    });
    this.pointer.show(this.chart.valToPos(step, "x"), spots);
  }

  private readInk(): Ink {
    // A canvas knows no variables: charts.css hands them over as colours of the host.
    const style = getComputedStyle(this.host);
    return {
      font: `11px ${style.fontFamily}`,
      faint: style.color,
      grid: style.borderTopColor,
      danger: style.outlineColor,
    };
  }
}
