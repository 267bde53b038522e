/** Lines and marks on a canvas. */

import type { Line } from "./decimate";
import type { Range } from "./view";

/** Colours and font of the page, in forms a canvas understands. */
export interface Ink {
  font: string;
  faint: string;
  grid: string;
  danger: string;
}

/** Where things go: `bbox` in canvas pixels, `ratio` canvas pixels per CSS pixel. */
export interface Frame {
  ctx: CanvasRenderingContext2D;
  bbox: { left: number; top: number; width: number; height: number };
  ratio: number;
  x: Range;
  y: Range;
  log: boolean;
  ink: Ink;
}

/** Points further apart than this many CSS pixels are drawn as dots too: one value per epoch is a row of points. */
const DOT_DISTANCE = 9;
const DOT_RADIUS = 2.25;
const DASH = [5, 4];

type Place = (value: number) => number;

function places({ bbox, x, y, log }: Frame): { px: Place; py: Place } {
  const scale = log ? Math.log10 : (value: number) => value;
  const bottom = scale(y[0]);
  const perY = bbox.height / (scale(y[1]) - bottom);
  const perX = bbox.width / (x[1] - x[0]);
  const floor = bbox.top + bbox.height;
  return {
    px: (step) => bbox.left + (step - x[0]) * perX,
    py: log ? (value) => floor - (Math.log10(value) - bottom) * perY : (value) => floor - (value - bottom) * perY,
  };
}

/** How a line is drawn; `width` in CSS pixels. */
export interface Pen {
  colour: string;
  dashed: boolean;
  width: number;
  alpha: number;
}

export function drawLine(frame: Frame, line: Line, pen: Pen): void {
  const { ctx, bbox, ratio } = frame;
  const { px, py } = places(frame);
  ctx.strokeStyle = pen.colour;
  ctx.fillStyle = pen.colour;
  ctx.globalAlpha = pen.alpha;
  ctx.lineWidth = pen.width * ratio;
  ctx.lineJoin = "round";
  ctx.setLineDash(pen.dashed ? DASH.map((length) => length * ratio) : []);
  ctx.beginPath();
  let down = false;
  for (let i = 0; i < line.length; i++) {
    const value = line.y[i] as number;
    if (Number.isNaN(value)) {
      down = false;
      continue;
    }
    const step = line.x[i] as number;
    if (down) ctx.lineTo(px(step), py(value));
    else ctx.moveTo(px(step), py(value));
    down = true;
  }
  ctx.stroke();
  ctx.setLineDash([]);
  drawDots(frame, line, line.length * DOT_DISTANCE * ratio <= bbox.width);
  ctx.globalAlpha = 1;
}

/** Every point, or those that stand alone between two gaps and would be no line at all. */
function drawDots({ ctx, ratio, ...frame }: Frame, line: Line, all: boolean): void {
  const { px, py } = places({ ctx, ratio, ...frame });
  const gap = (index: number): boolean => index < 0 || index >= line.length || Number.isNaN(line.y[index]);
  ctx.beginPath();
  for (let i = 0; i < line.length; i++) {
    if (gap(i) || !(all || (gap(i - 1) && gap(i + 1)))) continue;
    const left = px(line.x[i] as number);
    const top = py(line.y[i] as number);
    ctx.moveTo(left + DOT_RADIUS * ratio, top);
    ctx.arc(left, top, DOT_RADIUS * ratio, 0, 2 * Math.PI);
  }
  ctx.fill();
}

/** A small red triangle at the foot of the chart for each value that cannot be drawn, with its word where there is room. */
export function drawMarks(frame: Frame, marks: readonly { step: number; word: string }[]): void {
  const { ctx, bbox, ratio, ink } = frame;
  const { px } = places(frame);
  const foot = bbox.top + bbox.height;
  const half = 4 * ratio;
  ctx.fillStyle = ink.danger;
  ctx.font = ink.font.replace(/^[\d.]+px/, `${10 * ratio}px`);
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  let free = Number.NEGATIVE_INFINITY;
  for (const { step, word } of marks) {
    const left = px(step);
    ctx.beginPath();
    ctx.moveTo(left, foot - 2 * half);
    ctx.lineTo(left + half, foot);
    ctx.lineTo(left - half, foot);
    ctx.fill();
    const width = ctx.measureText(word).width;
    if (left - half < free) continue;
    const start = left + 2 * half + width > bbox.left + bbox.width ? left - 2 * half - width : left + 1.5 * half;
    ctx.fillText(word, start, foot);
    free = start + width + 2 * half;
  }
}
