import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Host } from "../src/shared/model";
import { Studio } from "../src/studio/studio";
import { button, draw, FakeModel } from "./fake";

const PANELS = [
  { name: "control_panel", icon: "sliders" },
  { name: "live_charts", icon: "chart" },
  { name: "<b>x</b>", icon: "no such icon" },
];

let model: FakeModel;
let el: HTMLElement;
let close: () => void;
const render = vi.fn();
const host: Host = {
  async getWidget(reference) {
    return {
      async render({ el: place, signal }) {
        render(reference, signal);
        place.textContent = `child ${reference}`;
      },
    };
  },
};

function open(panels: unknown = PANELS, direction = "ltr"): void {
  model = new FakeModel({ words: {}, language: "en", direction, setup: { panels }, children: {} });
  act(() => {
    ({ el, close } = draw(Studio, model, host));
  });
}

async function pass(): Promise<void> {
  await act(async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
}

async function arrive(name: string): Promise<void> {
  model.change("children", { ...(model.get("children") as object), [name]: `IPY_MODEL_${name}-id` });
  await pass();
}

function tab(name: string): HTMLElement {
  return button(el, `panel.${name}`);
}

function key(name: string, pressed: string): void {
  act(() => void tab(name).dispatchEvent(new KeyboardEvent("keydown", { key: pressed, bubbles: true })));
}

beforeEach(() => {
  render.mockReset();
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => act(() => close()));

describe("the studio", () => {
  it("opens the first panel by itself, and shows it when Python has made it", async () => {
    open();
    await pass();
    expect(model.of("open").map((request) => request.panel)).toEqual(["control_panel"]);
    expect(el.querySelector('[role="tabpanel"]')?.textContent).toBe("studio.loading");
    model.accept("open");
    await arrive("control_panel");
    expect(el.querySelector('[role="tabpanel"]')?.textContent).toBe("child anywidget:control_panel-id");
  });

  it("shows a child that was there before without asking again", async () => {
    model = new FakeModel({ words: {}, setup: { panels: PANELS }, children: { control_panel: "anywidget:known" } });
    act(() => {
      ({ el, close } = draw(Studio, model, host));
    });
    await pass();
    expect(model.of("open")).toHaveLength(0);
    expect(render).toHaveBeenCalledWith("anywidget:known", expect.any(AbortSignal));
  });

  it("keeps a panel alive, hidden, while another is chosen", async () => {
    open();
    model.accept("open");
    await arrive("control_panel");
    act(() => tab("live_charts").click());
    await pass();
    model.accept("open");
    await arrive("live_charts");
    act(() => tab("control_panel").click());
    await pass();
    const panels = [...el.querySelectorAll<HTMLElement>('[role="tabpanel"]')];
    expect(panels.map((panel) => panel.hidden)).toEqual([false, true]);
    expect(model.of("open")).toHaveLength(2);
    expect(render).toHaveBeenCalledTimes(2);
  });

  it("walks the tabs with the keyboard, in reading direction", () => {
    open();
    key("control_panel", "ArrowDown");
    expect(tab("live_charts").getAttribute("aria-selected")).toBe("true");
    expect(document.activeElement).toBe(tab("live_charts"));
    key("live_charts", "ArrowLeft");
    key("control_panel", "ArrowUp");
    expect(tab("<b>x</b>").getAttribute("aria-selected")).toBe("true");
    key("<b>x</b>", "Home");
    expect(tab("control_panel").getAttribute("aria-selected")).toBe("true");
    act(() => close());
    open(PANELS, "rtl");
    key("control_panel", "ArrowLeft");
    expect(tab("live_charts").getAttribute("aria-selected")).toBe("true");
  });

  it("says why a panel could not be opened, and tries again", async () => {
    open();
    model.refuse("open", { kind: "NbtrainError", message: "The panel's file is missing." });
    await pass();
    expect(el.querySelector('[role="alert"]')?.textContent).toContain("The panel's file is missing.");
    act(() => button(el, "button.retry").click());
    await pass();
    expect(model.of("open")).toHaveLength(2);
    model.accept("open");
    await arrive("control_panel");
    expect(el.querySelector('[role="alert"]')).toBeNull();
  });

  it("asks for another language", () => {
    open();
    const select = el.querySelector("select");
    if (!select) throw new Error("no language picker");
    select.value = "fa";
    act(() => void select.dispatchEvent(new Event("change", { bubbles: true })));
    expect(model.last("language").language).toBe("fa");
  });

  it("lets its children go when it is taken off the page", async () => {
    open();
    model.accept("open");
    await arrive("control_panel");
    const signal = render.mock.calls[0]?.[1] as AbortSignal;
    expect(signal.aborted).toBe(false);
    act(() => close());
    expect(signal.aborted).toBe(true);
    open([]);
    expect(el.textContent).toContain("studio.empty");
  });
});
