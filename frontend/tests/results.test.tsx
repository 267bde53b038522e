import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Results } from "../src/control_panel/results/results";
import { usePanel } from "../src/shared/panel";
import { useValue } from "../src/shared/signal";
import type { ResultsView, RunState } from "../src/shared/wire";
import { button, draw, FakeModel, floats, RUN } from "./fake";

const WORDS = {
  "results.look": "Look at the results",
  "results.again": "Look again",
  "results.cancel": "Cancel",
  "results.on.test": "On {rows} rows kept for the end",
  "results.at": "at step {step}; now {now}",
  "results.row": "Row {row}",
  "results.cell": "{truth} taken for {predicted}: {count} ({share})",
  "results.cell.right": "{truth} right: {count} ({share})",
  "results.pairs.none": "Nothing was confused.",
  "results.enlarge": "Enlarge row {row}",
  "results.groups.worst": "{shown} of {all}",
  "charts.metric.accuracy": "Accuracy",
};
const VIEW: ResultsView = {
  part: "test",
  rows: 12,
  step: 1250,
  metrics: { accuracy: 0.75, own: null },
  classes: ["<b>cat</b>", "گربه"],
  matrix: [
    [6, 2],
    [1, 3],
  ],
  pairs: [{ truth: "<b>cat</b>", predicted: "گربه", count: 2, of: 8 }],
  groups: [{ name: "<b>cat</b>", rows: 8, figures: { precision: 0.857, f1: 0.8 } }],
  of_groups: 1,
  points: null,
  measure: "loss",
  worst: [
    {
      row: 41,
      truth: "<b>cat</b>",
      predicted: "گربه",
      measure: 2.5,
      chance: 0.9,
      text: "a <i>text</i>",
      cells: [["size", "12"]],
      image: null,
      mime: "",
    },
  ],
  notes: ["So it is."],
};

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

function Shown() {
  const { store } = usePanel();
  const [state] = useValue(store.states).values();
  return state ? <Results state={state} /> : null;
}

async function pass(ms = 0): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });
}

async function show(state: Partial<RunState>): Promise<void> {
  act(() => model.snapshot({ ...RUN, ...state }));
  await pass();
}

async function answer(kind: string, result: unknown, buffers: DataView[] = []): Promise<void> {
  act(() => model.message({ type: "reply", id: model.last(kind).id, ok: true, result }, buffers));
  await pass();
}

/** What is known, unfolded. */
async function told(result: unknown, buffers: DataView[] = []): Promise<void> {
  await answer("results", result, buffers);
  act(() => el.querySelector<HTMLButtonElement>(".nbt-results-fold")?.click());
}

const known = (view: Partial<ResultsView> | null, more: object = {}) => ({
  results: view && { ...VIEW, ...view },
  can: true,
  task: null,
  ...more,
});

beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel({ words: WORDS, language: "en", direction: "ltr", setup: {} });
  act(() => {
    ({ el, close } = draw(Shown, model));
  });
});

afterEach(() => {
  act(() => close());
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("results", () => {
  it("are asked for once the model stands still", async () => {
    await show({ state: "running" });
    expect(model.of("results")).toHaveLength(0);
    await show({ state: "paused" });
    expect(model.last("results")).toMatchObject({ run: "r1" });
    await answer("results", known(null, { can: false }));
    expect(el.querySelector(".nbt-results")).toBeNull();
    await show({ state: "finished" });
    expect(model.of("results")).toHaveLength(2);
  });

  it("stand folded under the figure that says most", async () => {
    await show({ state: "finished" });
    await answer("results", known({}));
    const fold = el.querySelector<HTMLButtonElement>(".nbt-results-fold");
    expect(fold?.textContent).toContain("Accuracy 0.75");
    expect(fold?.textContent).not.toContain("now");
    expect(fold?.getAttribute("aria-expanded")).toBe("false");
    expect(el.querySelector("table")).toBeNull();
    act(() => fold?.click());
    expect(el.querySelector("table")).not.toBeNull();
  });

  it("are looked for, followed and called off", async () => {
    await show({ state: "finished" });
    await answer("results", known(null));
    act(() => button(el, "Look at the results").click());
    await answer("look", { task: "task-3" });
    await pass(400);
    expect(model.last("looked")).toMatchObject({ task: "task-3" });
    await answer("looked", { phase: "running", done: 5, total: 20 });
    expect(el.querySelector('[role="progressbar"]')?.getAttribute("aria-valuenow")).toBe("25");
    act(() => button(el, "Cancel").click());
    expect(model.last("look_off")).toMatchObject({ task: "task-3" });
    await pass(400);
    await answer("looked", { phase: "cancelled", done: 5, total: 20 });
    expect(button(el, "Look at the results").disabled).toBe(false);
    act(() => button(el, "Look at the results").click());
    await answer("look", { task: "task-4" });
    await pass(400);
    await answer("looked", { phase: "done", done: 20, total: 20 });
    await answer("results", known({}));
    expect(el.textContent).toContain("On 12 rows kept for the end");
    expect(button(el, "Look again")).toBeTruthy();
  });

  it("that a page before began to look for are followed", async () => {
    await show({ state: "finished" });
    await answer("results", known(null, { task: "task-9" }));
    await pass(400);
    expect(model.last("looked")).toMatchObject({ task: "task-9" });
  });

  it("tell what went wrong and can be asked again", async () => {
    await show({ state: "finished" });
    await answer("results", known(null));
    act(() => button(el, "Look at the results").click());
    await answer("look", { task: "task-3" });
    await pass(400);
    act(() => model.refuse("looked", { kind: "DataError", message: "Nothing was held out." }));
    await pass();
    expect(button(el, "Look at the results")).toBeTruthy();
    expect(document.body.textContent).toContain("Nothing was held out.");
  });

  it("show classes as text, with how many of each were taken for which", async () => {
    await show({ state: "finished" });
    await told(known({}));
    const rows = [...el.querySelectorAll(".nbt-confusion tbody tr")];
    expect(rows.map((row) => row.querySelector("th")?.textContent)).toEqual(["<b>cat</b>", "گربه"]);
    const cells = rows.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.title));
    expect(cells[0]).toEqual(["<b>cat</b> right: 6 (75%)", "<b>cat</b> taken for گربه: 2 (25%)"]);
    expect(el.querySelector(".nbt-confusion td[data-right]")?.textContent).toBe("675%");
    const [worst] = el.querySelectorAll(".nbt-worst li");
    expect(worst?.textContent).toContain("Row 41");
    expect(worst?.querySelector(".nbt-worst-text")?.textContent).toBe("a <i>text</i>");
    expect(worst?.querySelector(".nbt-worst-text")?.getAttribute("dir")).toBe("auto");
    expect(el.querySelector("b, i")).toBeNull();
    expect(el.textContent).toContain("So it is.");
    expect(el.querySelector(".nbt-results-figures")?.textContent).toBe("Accuracy0.75own–");
  });

  it("say of which step they are once the run went on", async () => {
    await show({ state: "paused", step: 1300 });
    await answer("results", known({}));
    expect(el.querySelector(".nbt-results-fold")?.textContent).toContain("at step 1,250; now 1,300");
    act(() => el.querySelector<HTMLButtonElement>(".nbt-results-fold")?.click());
    expect(el.textContent).toContain("at step 1,250; now 1,300");
  });

  it("of too many classes are the pairs most often confused", async () => {
    await show({ state: "finished" });
    await told(known({ classes: [], matrix: null, of_groups: 90 }));
    expect(el.querySelector(".nbt-confusion")).toBeNull();
    expect(el.querySelector(".nbt-results-table tbody")?.textContent).toBe("<b>cat</b>گربه2 (25%)");
    expect(el.textContent).toContain("1 of 90");
  });

  it("of amounts are points beside the line on which both are the same", async () => {
    await show({ state: "finished" });
    await told(
      known({ classes: [], matrix: null, pairs: null, groups: [], of_groups: 0, points: 0, measure: "error" }),
      [new DataView(Float64Array.of(1e9, 1e9, Number.POSITIVE_INFINITY, 1, 1e9 + 10, 1e9 + 5).buffer)],
    );
    expect(el.querySelector(".nbt-scatter-dots")?.getAttribute("d")).toBe("M6.8 233.2h0M233.2 120.0h0");
    expect(el.querySelector(".nbt-results-table")).toBeNull();
  });

  it("show images, and let go of them", async () => {
    const revoked = vi.fn();
    vi.stubGlobal("URL", { createObjectURL: () => "blob:x", revokeObjectURL: revoked });
    await show({ state: "finished" });
    const worst = VIEW.worst.map((each) => ({ ...each, image: 0, mime: "image/png" }));
    await told(known({ worst }), [floats(1)]);
    expect(el.querySelector(".nbt-worst img")?.getAttribute("src")).toBe("blob:x");
    expect(button(el, "Enlarge row 41")).toBeTruthy();
    await show({ state: "running" });
    expect(revoked).toHaveBeenCalledWith("blob:x");
  });
});
