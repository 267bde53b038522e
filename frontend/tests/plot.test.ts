import { afterEach, expect, it, vi } from "vitest";
import { Plot } from "../src/shared/charts/plot";
import { View } from "../src/shared/charts/view";
import { I18n } from "../src/shared/i18n";

type Hook = (chart: { ctx: { direction: string } }) => void;

// A canvas is nothing this page can draw on: what uPlot is asked to do before it draws is looked at instead.
const hooks = vi.hoisted(() => [] as Record<string, Hook[]>[]);
vi.mock("uplot", () => ({
  default: class {
    static readonly pxRatio = 1;
    readonly over = document.createElement("div");
    constructor(options: { hooks: Record<string, Hook[]> }) {
      hooks.push(options.hooks);
    }
    destroy(): void {}
  },
}));

afterEach(() => {
  hooks.length = 0;
});

it.each(["ltr", "rtl"] as const)("the words on the axes read %s, as their language does", (direction) => {
  const plot = new Plot(document.createElement("div"), {
    view: new View(),
    words: new I18n({}, "fa", direction),
    extent: () => null,
    curves: () => [],
    onDraw: () => {},
  });
  const ctx = { direction: "inherit" };
  for (const hook of hooks[0]?.drawClear ?? []) hook({ ctx });
  expect(ctx.direction).toBe(direction);
  plot.destroy();
});
