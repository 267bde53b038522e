import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { Kitchen } from "../src/kitchen/panel";
import { moodOf, storyOf, timerText } from "../src/kitchen/story";
import { shownRun } from "../src/shared/runs";
import type { RunState } from "../src/shared/wire";
import { draw, FakeModel, RUN } from "./fake";

const WORDS = {
  "kitchen.stage.cold": "Nothing on the stove",
  "kitchen.stage.boiling": "Boiling",
  "kitchen.stage.paused": "Paused, off the heat",
  "kitchen.stage.burnt": "Burnt",
  "kitchen.stage.ready": "Ready",
  "kitchen.description": "{stage}, {percent}: {sentence}",
  "kitchen.burnt.todo": "What to do",
  "chef.cold": "The stove is cold.",
  "chef.falling": "From {before} to {now}.",
};
const HOSTILE = `<img src=x onerror="alert(1)">`;

let close: (() => void) | undefined;

afterEach(() => act(() => close?.()));

function open(...states: Partial<RunState>[]): HTMLElement {
  const model = new FakeModel({ words: WORDS, language: "en", direction: "ltr" });
  let el = document.createElement("div");
  act(() => {
    ({ el, close } = draw(Kitchen, model));
    model.snapshot(...states.map((state) => ({ ...RUN, ...state })));
  });
  return el;
}

const on = (el: Element, selector: string): boolean => el.querySelector(selector)?.getAttribute("data-on") === "true";

describe("the story", () => {
  it("has a mood for every stage, for no run, and for a stopped one", () => {
    const stages = ["preheating", "simmering", "boiling", "finishing", "ready", "burnt", "paused"] as const;
    for (const stage of stages) expect(moodOf({ state: "running", stage })).toBe(stage);
    expect(moodOf(undefined)).toBe("cold");
    expect(moodOf({ state: "stopped", stage: "boiling" })).toBe("stopped");
  });

  it("lets the flame follow the throughput while the run runs", () => {
    const flame = (heat: number): number => storyOf({ ...RUN, stage: "simmering", heat }).flame;
    expect(flame(0)).toBeGreaterThan(0);
    expect(flame(0.5)).toBeGreaterThan(flame(0));
    expect(flame(1)).toBe(1);
    expect(flame(Number.NaN)).toBe(flame(0));
  });

  it("turns the burner off for a run that does not train", () => {
    const off: [RunState["state"], RunState["stage"]][] = [
      ["paused", "paused"],
      ["stopped", "boiling"],
      ["failed", "burnt"],
      ["finished", "ready"],
    ];
    for (const [state, stage] of off) expect(storyOf({ ...RUN, state, stage }).flame).toBe(0);
    expect(storyOf(undefined).flame).toBe(0);
    expect(storyOf({ ...RUN, state: "preparing", stage: "preheating" }).flame).toBeGreaterThan(0);
  });

  it("takes the pot off the heat for a pause, and for nothing else", () => {
    expect(storyOf({ ...RUN, state: "paused", stage: "paused" }).potOffHeat).toBe(true);
    expect(storyOf(RUN).potOffHeat).toBe(false);
    expect(storyOf({ ...RUN, state: "stopped" }).potOffHeat).toBe(false);
  });

  it("shows progress between nothing and all, and all when the dish is ready", () => {
    expect(storyOf({ ...RUN, progress: 0.42 }).progress).toBe(0.42);
    expect(storyOf({ ...RUN, progress: 1.7 }).progress).toBe(1);
    expect(storyOf({ ...RUN, state: "finished", stage: "ready", progress: 0.5 }).progress).toBe(1);
  });

  it("lets the pot bubble as the loss moves", () => {
    const bubbling = (bubbles: number): number => storyOf({ ...RUN, stage: "simmering", bubbles }).bubbling;
    expect(bubbling(0.9)).toBeGreaterThan(bubbling(0.1));
    expect(storyOf({ ...RUN, state: "paused", stage: "paused", bubbles: 1 }).bubbling).toBe(0);
  });

  it("writes the time left as a timer does", () => {
    const digits = (value: number, width: number): string => String(value).padStart(width, "0");
    expect([0, 9, 272, 3909, 360_000].map((seconds) => timerText(seconds, digits))).toEqual([
      "0:00",
      "0:09",
      "4:32",
      "1:05:09",
      "100",
    ]);
  });
});

describe("the run to show", () => {
  const states = (...given: [string, RunState["state"]][]): Map<string, RunState> =>
    new Map(given.map(([run, state]) => [run, { ...RUN, run, state }]));

  it("is the chosen one, else the newest that cooks, else the newest", () => {
    const known = states(["a", "running"], ["b", "running"], ["c", "finished"]);
    expect(shownRun(known, "a")?.run).toBe("a");
    expect(shownRun(known, null)?.run).toBe("b");
    expect(shownRun(known, "gone")?.run).toBe("b");
    expect(shownRun(states(["a", "failed"], ["c", "finished"]), null)?.run).toBe("c");
    expect(shownRun(states(), null)).toBeUndefined();
  });
});

describe("the kitchen", () => {
  it("without a run is cold, and says how to begin", () => {
    const el = open();
    expect(el.querySelector(".nbt-kitchen-stage[role=status]")?.textContent).toContain("Nothing on the stove");
    expect(el.textContent).toContain("The stove is cold.");
    expect(on(el, ".nbt-k-flame")).toBe(false);
  });

  it("tells stage, progress and the chef's sentence, in the picture's description too", () => {
    const el = open({
      stage: "boiling",
      progress: 0.5,
      chef: { key: "chef.falling", args: { before: 2.5, now: 1.25 } },
    });
    expect(el.querySelector("svg[role=img]")?.getAttribute("aria-label")).toBe("Boiling, 50%: From 2.5 to 1.25.");
    expect(el.querySelector(".nbt-kitchen-bubble")?.textContent).toBe("From 2.5 to 1.25.");
    expect(on(el, ".nbt-k-flame")).toBe(true);
  });

  it("when paused has the pot beside the flame and the burner off", () => {
    const el = open({ state: "paused", stage: "paused" });
    expect(el.querySelector(".nbt-k-pot")?.getAttribute("data-off")).toBe("true");
    expect(on(el, ".nbt-k-flame")).toBe(false);
  });

  it("when burnt says what happened and what to do", () => {
    const el = open({
      state: "failed",
      stage: "burnt",
      error: { kind: "DataError", message: "Label 9 of 3 classes." },
    });
    const alert = el.querySelector("[role=alert]");
    expect(alert?.textContent).toContain("DataError");
    expect(alert?.textContent).toContain("Label 9 of 3 classes.");
    expect(alert?.textContent).toContain("What to do");
  });

  it("shows names and messages from outside as text", () => {
    const el = open({
      name: HOSTILE,
      state: "failed",
      stage: "burnt",
      error: { kind: HOSTILE, message: HOSTILE },
      chef: { key: "chef.falling", args: { before: HOSTILE, now: HOSTILE } },
    });
    expect(el.querySelector("img")).toBeNull();
    expect(el.querySelector(".nbt-kitchen-name")?.textContent).toBe(HOSTILE);
    expect(el.querySelector("[role=alert]")?.textContent).toContain(HOSTILE);
  });
});
