import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readDraft } from "../src/control_panel/draft";
import { ControlPanel } from "../src/control_panel/panel";
import type { RunState } from "../src/shared/wire";
import { FIELDS } from "./control_panel_page";
import { button, draw, FakeModel, RUN, type } from "./fake";
import { pass, press, stopTheClock } from "./page";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

const LIVE = { learning_rate: 0.001, epochs: 10 };

let pages: (() => void)[];

/** A page of this panel, with what Python keeps, and a run on show. */
async function opened(model: FakeModel, state: Partial<RunState> | null = {}): Promise<HTMLElement> {
  let el = document.body;
  act(() => {
    const page = draw(ControlPanel, model);
    el = page.el;
    pages.push(page.close);
  });
  show(model, state);
  await pass();
  return el;
}

function show(model: FakeModel, state: Partial<RunState> | null = {}): void {
  act(() => (state ? model.snapshot({ ...RUN, live: LIVE, ...state }) : model.snapshot()));
}

const fresh = (draft: unknown = {}): FakeModel =>
  new FakeModel({ words: {}, language: "en", direction: "ltr", draft, setup: { fields: FIELDS, bound: true } });

/** A page loaded anew: what Python kept of the one before is all it has. */
const anew = (model: FakeModel): FakeModel => fresh(model.last("draft").draft);

/** What Python does with a draft: the newest is the trait, on every page. */
function keep(from: FakeModel, ...models: FakeModel[]): void {
  const { draft } = from.last("draft");
  for (const model of [from, ...models]) act(() => model.change("draft", draft));
}

/** The number field of an option, in the order of the form: epochs, then the learning rate. */
function input(el: HTMLElement, name: keyof typeof LIVE): HTMLInputElement {
  const found = el.querySelectorAll<HTMLInputElement>(".nbt-live-edits .nbt-input-number");
  const one = found[name === "epochs" ? 0 : 1];
  if (!one) throw new Error(`no input for ${name}`);
  return one;
}

const pending = (el: HTMLElement): string[] =>
  [...el.querySelectorAll(".nbt-live-pending")].map(({ textContent }) => textContent);

const rate = (el: HTMLElement): HTMLInputElement => input(el, "learning_rate");

async function typed(el: HTMLElement, text: string): Promise<void> {
  act(() => type(rate(el), text));
  await pass(300);
}

beforeEach(() => {
  stopTheClock();
  pages = [];
});

afterEach(() => {
  act(() => {
    for (const close of pages) close();
  });
  vi.useRealTimers();
});

describe("a live edit that is not applied", () => {
  it("is there again on a page that is loaded anew, and said to be pending", async () => {
    const model = fresh();
    await typed(await opened(model), "0.01");
    expect(model.last("draft").draft).toMatchObject({
      edits: { run: "r1", options: { learning_rate: 0.01 }, unreadable: {} },
    });
    const page = await opened(anew(model));
    expect(rate(page).value).toBe("0.01");
    expect(input(page, "epochs").value).toBe("10");
    expect(pending(page)).toEqual(["live.pending live.now"]);
    const described = rate(page).getAttribute("aria-describedby") ?? "";
    expect(page.querySelector(`#${CSS.escape(described)}`)?.textContent).toBe("live.pending live.now");
    expect(input(page, "epochs").hasAttribute("aria-describedby")).toBe(false);
  });

  it("is there again where it is no number, and cannot be applied", async () => {
    const model = fresh();
    await typed(await opened(model), "0,x");
    const page = await opened(anew(model));
    expect(rate(page).value).toBe("0,x");
    expect(rate(page).getAttribute("aria-invalid")).toBe("true");
    expect(button(page, "button.apply").disabled).toBe(true);
  });

  it("is seen on a second page, and the newest counts", async () => {
    const [one, other] = [fresh(), fresh()];
    const [here, there] = [await opened(one), await opened(other)];
    await typed(here, "0.01");
    keep(one, other);
    expect(rate(there).value).toBe("0.01");
    await typed(there, "0.02");
    keep(other, one);
    expect(rate(here).value).toBe("0.02");
  });

  it("is applied from a page that was loaded anew, and then gone on all of them", async () => {
    const one = fresh();
    const here = await opened(one);
    await typed(here, "0.01");
    const other = anew(one);
    const there = await opened(other);
    await press(there, "button.apply");
    expect(other.last("edit").changes).toEqual({ learning_rate: 0.01 });
    act(() => other.accept("edit"));
    for (const model of [one, other]) show(model, { live: { ...LIVE, learning_rate: 0.01 } });
    await pass(300);
    expect(other.last("draft").draft).toMatchObject({ edits: null });
    keep(other, one);
    for (const el of [here, there]) {
      expect(pending(el)).toEqual([]);
      expect(rate(el).value).toBe("0.01");
    }
  });

  it("is gone when it is taken back", async () => {
    const model = fresh();
    const el = await opened(model);
    await typed(el, "0.01");
    act(() => type(rate(el), "0.01x"));
    await press(el, "button.cancel");
    await pass(300);
    expect(rate(el).value).toBe("0.001");
    expect(model.last("draft").draft).toMatchObject({ edits: null });
    expect(pending(await opened(anew(model)))).toEqual([]);
  });

  it("says what the run really has, whatever was typed", async () => {
    const model = fresh();
    const el = await opened(model);
    await typed(el, "0.01");
    show(model, { live: { ...LIVE, learning_rate: 0.005, epochs: 12 } });
    await pass();
    expect(rate(el).value).toBe("0.01");
    expect(input(el, "epochs").value).toBe("12");
    expect(model.of("edit")).toHaveLength(0);
  });

  it("is forgotten when the run has that value, by whoever", async () => {
    const model = fresh();
    const el = await opened(model);
    await typed(el, "0.01");
    show(model, { live: { ...LIVE, learning_rate: 0.01 } });
    await pass(300);
    expect(model.last("draft").draft).toMatchObject({ edits: null });
    show(model, { live: { ...LIVE, learning_rate: 0.02 } });
    await pass();
    expect(rate(el).value).toBe("0.02");
    expect(pending(el)).toEqual([]);
  });

  it("stays when it is refused, with what was wrong as long as it stands", async () => {
    const model = fresh();
    const el = await opened(model);
    await typed(el, "0.01");
    await press(el, "button.apply");
    const problems = [{ field: "learning_rate", message: "too high" }];
    model.refuse("edit", { kind: "ConfigError", message: "x", problems });
    await pass();
    expect(el.textContent).toContain("too high");
    expect(pending(el)).toHaveLength(1);
    expect(model.last("draft").draft).toMatchObject({ edits: { options: { learning_rate: 0.01 } } });
    await typed(el, "0.02");
    expect(el.textContent).not.toContain("too high");
  });
});

describe("live edits of a run", () => {
  const edits = { run: "r1", options: { learning_rate: 0.01 }, unreadable: {} };

  it.each(["finished", "stopped", "failed"] as const)("that has %s are dropped", async (state) => {
    const model = fresh({ edits });
    const el = await opened(model);
    expect(pending(el)).toHaveLength(1);
    show(model, { state });
    await pass(300);
    expect(model.last("draft").draft).toMatchObject({ edits: null });
    keep(model);
    show(model, { state: "running" }); // it goes on
    expect(rate(el).value).toBe("0.001");
    expect(pending(el)).toEqual([]);
  });

  it("that ended while no page looked are dropped too", async () => {
    const model = fresh({ edits });
    await opened(model, { run: "r2" });
    await pass(300);
    expect(model.last("draft").draft).toMatchObject({ edits: null });
  });

  it("are not those of another", async () => {
    const model = fresh({ edits });
    const el = await opened(model, { run: "r2" });
    expect(rate(el).value).toBe("0.001");
    expect(pending(el)).toEqual([]);
  });

  it("are kept until it is known what trains", async () => {
    const model = fresh({ edits });
    act(() => {
      const page = draw(ControlPanel, model);
      pages.push(page.close);
    });
    await pass(300);
    expect(model.of("draft")).toHaveLength(0);
  });

  it("are not out of sight where the form folds away", async () => {
    const folded = (el: HTMLElement) => el.querySelector(".nbt-form-side")?.getAttribute("data-folded");
    expect(folded(await opened(fresh({ edits })))).toBe("false");
    expect(folded(await opened(fresh()))).toBe("true");
  });

  it("are read as far as the fields take them", () => {
    const options = { learning_rate: 0.01, momentum: 0.5, gone: 1, epochs: "ten" };
    const draft = readDraft({ edits: { run: "r1", options, unreadable: { epochs: "x", seed: "y" } } }, FIELDS);
    expect(draft.edits).toEqual({ run: "r1", options: { learning_rate: 0.01 }, unreadable: { epochs: "x" } });
    for (const odd of [null, [], "r1", { options }, { run: 1, options }])
      expect(readDraft({ edits: odd }, FIELDS).edits).toBeNull();
  });
});
