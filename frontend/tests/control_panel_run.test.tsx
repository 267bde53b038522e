import { act } from "preact/test-utils";
import { describe, expect, it, vi } from "vitest";
import type { RunState } from "../src/shared/wire";
import { el, messageOf, model, onFreshPages, open, press, show, WORDS } from "./control_panel_page";
import { button, field, RUN, type } from "./fake";
import { pass } from "./page";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

onFreshPages();

describe("commands", () => {
  it("say that they wait until the trainer's own state arrives", async () => {
    open();
    show();
    await press("button.pause");
    expect(button(el, "button.pause.waiting").disabled).toBe(true);
    expect(button(el, "button.stop").disabled).toBe(true);
    model.accept("pause");
    await pass();
    expect(button(el, "button.pause.waiting").disabled).toBe(true);
    show({ state: "paused", stage: "paused" });
    await pass();
    expect(button(el, "button.resume").disabled).toBe(false);
  });

  it("that are refused give the button back and show why", async () => {
    open();
    show();
    await press("button.pause");
    model.refuse("pause", { kind: "CommandError", message: "The run has finished." });
    await pass();
    expect(button(el, "button.pause").disabled).toBe(false);
    expect(el.querySelector('[role="alert"]')?.textContent).toContain("The run has finished.");
    await press("button.dismiss");
    expect(el.querySelector('[role="alert"]')).toBeNull();
  });

  it("stop only after one question, with the harmless answer focused", async () => {
    open();
    show();
    await press("button.stop");
    expect(model.of("stop")).toHaveLength(0);
    expect(document.activeElement).toBe(button(el, "stop.keep"));
    await press("stop.keep");
    expect(model.of("stop")).toHaveLength(0);
    await press("button.stop");
    await press("stop.confirm");
    expect(model.of("stop")).toHaveLength(1);
    expect(button(el, "button.stop.waiting").disabled).toBe(true);
  });

  it("forget the question when Escape is pressed or the run ends by itself", async () => {
    open();
    show();
    await press("button.stop");
    const question = el.querySelector('[role="alertdialog"]');
    act(() => void question?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true })));
    expect(el.querySelector('[role="alertdialog"]')).toBeNull();
    await press("button.stop");
    show({ state: "finished", stage: "ready" });
    await pass();
    show({ run: "r2" });
    await pass();
    expect(el.querySelector('[role="alertdialog"]')).toBeNull();
  });

  it("have one primary button in every state", async () => {
    open();
    show(null);
    for (const state of ["preparing", "running", "paused", "finished", "stopped", "failed"] as const) {
      show({ state });
      await pass();
      expect(el.querySelectorAll(".nbt-actions .nbt-button-primary"), state).toHaveLength(1);
    }
  });

  it("offer nothing to save or resume where the loop is the user's own", async () => {
    open();
    show({ state: "running", own_loop: true });
    await pass();
    expect(() => button(el, "button.save")).toThrow();
    expect(button(el, "button.stop").disabled).toBe(false);
    for (const state of ["stopped", "failed"] as const) {
      show({ state, own_loop: true });
      await pass();
      expect(() => button(el, "button.resume_run")).toThrow();
      expect(button(el, "button.new_run").disabled).toBe(false);
    }
  });

  it("go on from the checkpoint of the run on show", async () => {
    open();
    show({ state: "failed", stage: "burnt", error: { kind: "DataError", message: "bad row 7" } });
    expect(el.querySelector('[role="alert"]')?.textContent).toContain("bad row 7");
    await press("button.resume_run");
    expect(model.last("resume_run").run).toBe("r1");
  });

  it("show the run that was started, among several", async () => {
    open();
    act(() => model.snapshot({ ...RUN, run: "old", name: "old run" }, { ...RUN, run: "new", name: "new run" }));
    expect(el.querySelector(".nbt-run-name")?.textContent).toBe("new run");
    act(() =>
      model.push({ type: "delta", series: [], states: [{ ...RUN, run: "new", name: "new run", state: "finished" }] }),
    );
    expect(el.querySelector(".nbt-run-name")?.textContent).toBe("old run");
  });
});

describe("live edits", () => {
  it("are offered for what is live, one by one, and show the present value", async () => {
    open();
    show({ live: { learning_rate: 0.001 } });
    const inputs = [...el.querySelectorAll<HTMLInputElement>(".nbt-live-edits .nbt-input-number")];
    expect(inputs).toHaveLength(1);
    const [rate] = inputs;
    if (!rate) throw new Error("no learning rate");
    act(() => type(rate, "0.01"));
    await press("button.apply");
    expect(model.last("edit").changes).toEqual({ learning_rate: 0.01 });
    const problems = [{ field: "learning_rate", message: "too high" }];
    model.refuse("edit", { kind: "ConfigError", message: "x", problems });
    await pass();
    expect(messageOf(rate)).toBe("too high");
    await press("button.apply");
    model.accept("edit");
    show({ live: { learning_rate: 0.01 } });
    await pass();
    expect(() => button(el, "button.apply")).toThrow();
    expect(rate.value).toBe("0.01");
  });
});

describe("trouble", () => {
  it("greys the panel out when the kernel is gone, and comes back", async () => {
    open();
    show();
    await pass(4000);
    expect(el.textContent).toContain("Kernel is gone");
    expect(el.querySelector(".nbt-gone")).not.toBeNull();
    expect(button(el, "button.pause").disabled).toBe(true);
    show();
    await pass();
    expect(el.querySelector(".nbt-gone")).toBeNull();
  });

  it("says that the kernel is busy when a command waits", async () => {
    open();
    show();
    await press("button.pause");
    await pass(1600);
    expect(el.textContent).toContain("Kernel is busy");
  });

  it("of a broken component is shown in the frame", async () => {
    open();
    act(() => model.snapshot({ ...RUN, chef: null as unknown as RunState["chef"] }));
    await pass();
    expect(el.querySelector('[role="alert"]')?.textContent).toMatch(/null/);
    expect(console.error).toHaveBeenCalled();
  });
});

describe("text from outside", () => {
  it("stays text", async () => {
    const hostile = '<img src=x onerror="window.hacked=true"><script>window.hacked=true</script>{step}';
    const names = field(hostile, { default: hostile, type: "text" });
    open({ setup: { fields: [names], presets: [{ name: hostile, recommended: true, options: {} }], bound: false } });
    show(null);
    await pass();
    model.accept("subjects", { subjects: [{ name: hostile, kind: "model", text: hostile, recipes: null }] });
    await pass();
    expect(el.querySelector("option:last-of-type")?.textContent).toContain(hostile);
    act(() => model.change("setup", { ...(model.get("setup") as object), bound: true }));
    await press("button.start");
    model.refuse("start", { kind: hostile, message: hostile, problems: [{ field: hostile, message: hostile }] });
    await pass();
    show({
      name: hostile,
      state: "failed",
      reason: hostile,
      error: { kind: hostile, message: hostile },
      resumed: { exact: false, reasons: [hostile] },
      chef: { key: hostile, args: { step: hostile } },
    });
    await pass();
    expect(el.querySelectorAll("img, script")).toHaveLength(0);
    expect(el.querySelector(".nbt-run-name")?.textContent).toBe(hostile);
    expect(el.querySelector(".nbt-outcome-error")?.textContent).toContain(hostile);
    expect((window as unknown as { hacked?: boolean }).hacked).toBeUndefined();
  });
});

describe("warnings", () => {
  it("are said once, also where one is the reason", async () => {
    open();
    show({ state: "paused", reason: "The disk is full.", warnings: ["Nothing is validated.", "The disk is full."] });
    await pass();
    const said = el.querySelector(".nbt-run-side")?.textContent ?? "";
    expect(said).toContain("Nothing is validated.");
    expect(said.split("The disk is full.")).toHaveLength(2);
  });
});

describe("the language", () => {
  it("changes live, with the direction", () => {
    open();
    show(null);
    const root = el.querySelector<HTMLElement>(".nbt");
    expect(root?.dir).toBe("ltr");
    act(() => {
      model.change("words", { ...WORDS, "button.start": "شروع" });
      model.change("language", "fa");
      model.change("direction", "rtl");
    });
    expect(button(el, "شروع")).toBeTruthy();
    expect(root?.dir).toBe("rtl");
    expect(root?.lang).toBe("fa");
    act(() => model.change("language", "ru"));
    expect(root?.lang).toBe("ru");
    act(() => model.change("direction", "ltr"));
    expect(root?.dir).toBe("ltr");
  });
});
