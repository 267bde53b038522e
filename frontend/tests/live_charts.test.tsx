import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveCharts } from "../src/live_charts/panel";
import type { View } from "../src/shared/charts/view";
import type { RunState, SeriesPart } from "../src/shared/wire";
import { button, draw, FakeModel, floats, RUN } from "./fake";

// A canvas is nothing this page can draw on: what the plot is given is looked at instead.
interface SeenPlot {
  options: { view: View; curves(): { key: string; colour: string; dashed: boolean }[] };
}
const plots = vi.hoisted(() => [] as SeenPlot[]);
vi.mock("../src/shared/charts/plot", () => ({
  REDRAW_MEASURE: "",
  Plot: class {
    constructor(
      _: HTMLElement,
      readonly options: SeenPlot["options"],
    ) {
      plots.push(this);
    }
    invalidate(): void {}
    restyle(): void {}
    destroy(): void {}
  },
}));

const WORDS = {
  "charts.metric.loss": "Loss",
  "charts.runs": "Runs",
  "charts.empty.title": "No curves yet",
  "charts.training": "Training",
  "charts.validation": "Validation",
  "charts.description": "{metric}, {run}: {last}, {low} to {high}",
  "charts.runs.failed": "Failed: {message}",
  "error.gone": "The kernel went away.",
};
const HOSTILE = `<img src=x onerror="alert(1)">`;

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

beforeEach(() => {
  plots.length = 0;
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr" });
  act(() => {
    ({ el, close } = draw(LiveCharts, model));
  });
});

afterEach(() => act(() => close()));

function series(run: string, name: string, value = 0): SeriesPart {
  return { run, name, count: 2, total: 2, reset: true, first: 1, stride: 1, steps: null, values: value };
}

function show(states: Partial<RunState>[], parts: SeriesPart[]): void {
  const full = states.map((state) => ({ ...RUN, ...state }));
  act(() => model.push({ type: "snapshot", states: full, series: parts }, [floats(3, 1.5)]));
}

async function settle(): Promise<void> {
  await act(async () => {
    await Promise.resolve();
  });
}

describe("live charts", () => {
  it("without a run say how to get one", () => {
    show([], []);
    expect(el.textContent).toContain("No curves yet");
  });

  it("draw training and validation of a metric in one chart, validation dashed", () => {
    show([{}], [series("r1", "loss"), series("r1", "val_loss"), series("r1", "learning_rate")]);
    expect(el.querySelectorAll("figure")).toHaveLength(2);
    expect(el.querySelector("figure h3")?.textContent).toBe("Loss");
    expect(el.querySelector("figure .nbt-chart-value")?.textContent).toContain("1.5");
    const lines = plots[0]?.options.curves().map(({ colour, dashed }) => ({ colour, dashed }));
    expect(lines).toEqual([
      { colour: "#A16207", dashed: false },
      { colour: "#2563EB", dashed: true },
    ]);
  });

  it("tell several runs apart by name and colour, the same in every chart", () => {
    const names = ["loss", "learning_rate"];
    show(
      [
        { run: "r1", name: "first", colour: 0 },
        { run: "r2", name: "second", colour: 1 },
      ],
      names.flatMap((name) => [series("r1", name), series("r2", name)]),
    );
    expect(el.querySelector("figure")?.textContent).toContain("second");
    const colours = plots.map((plot) => plot.options.curves().map((curve) => curve.colour));
    expect(colours).toEqual([
      ["#A16207", "#009E73"],
      ["#A16207", "#009E73"],
    ]);
  });

  it("say in words what a chart shows", () => {
    show([{ name: "digits" }], [series("r1", "loss")]);
    expect(el.querySelector("[role=img]")?.getAttribute("aria-label")).toBe("Loss (Training), digits: 1.5, 1.5 to 3");
  });

  it("are zoomed, read and reset by keyboard, all together", () => {
    show([{}], [series("r1", "loss"), series("r1", "learning_rate")]);
    const view = plots[0]?.options.view as View;
    expect(plots[1]?.options.view).toBe(view);
    const canvas = el.querySelector(".nbt-chart-canvas") as HTMLElement;
    const press = (key: string): void => {
      act(() => void canvas.dispatchEvent(new KeyboardEvent("keydown", { key })));
    };
    act(() => view.zoomTo(100, 200));
    press("ArrowLeft");
    expect(view.cursor.get()).toBe(198);
    press("+");
    expect(view.zoom.get()).toEqual([173, 200]);
    expect(button(el, "charts.reset").disabled).toBe(false);
    press("Escape");
    expect([view.zoom.get(), view.cursor.get()]).toEqual([null, null]);
    expect(button(el, "charts.reset").disabled).toBe(true);
  });

  it("show names of runs and metrics as text", () => {
    show(
      [
        { run: "r1", name: HOSTILE },
        { run: "r2", name: HOSTILE, colour: 1 },
      ],
      [series("r1", HOSTILE), series("r2", HOSTILE)],
    );
    expect(el.querySelector("img")).toBeNull();
    expect(el.querySelector("figure h3")?.textContent).toBe(HOSTILE);
    expect(el.querySelector(".nbt-chart-name")?.textContent).toBe(HOSTILE);
  });

  it("let runs be chosen, and ask Python to send them", async () => {
    show([{}], [series("r1", "loss")]);
    act(() => button(el, "Runs").click());
    const row = { id: "r9", name: HOSTILE, state: "finished", created: 0, step: 5, total_steps: 5, metrics: {} };
    model.accept("runs", { rows: [{ ...row, parent: null, live: false }] });
    await settle();
    const box = el.querySelector<HTMLInputElement>(".nbt-runs-list input");
    act(() => box?.click());
    expect(model.last("watch").runs).toEqual(["r1", "r9"]);
    expect(el.querySelector("img")).toBeNull();
    show([{}, { run: "r9", name: "older", colour: 3 }], [series("r1", "loss"), series("r9", "loss")]);
    expect(
      plots
        .at(-1)
        ?.options.curves()
        .map((curve) => curve.key),
    ).toEqual(["r1/loss", "r9/loss"]);
  });

  it("say so when the list of runs cannot be had", async () => {
    show([], []);
    act(() => button(el, "Runs").click());
    model.refuse("runs", { kind: "StoreError", message: "locked" });
    await settle();
    expect(el.textContent).toContain("Failed: locked");
    act(() => button(el, "Runs").click());
    act(() => button(el, "Runs").click());
    model.refuse("runs", { kind: "gone", message: "error.gone" });
    await settle();
    expect(el.textContent).toContain("Failed: The kernel went away.");
  });
});
