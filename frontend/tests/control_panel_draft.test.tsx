import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readDraft } from "../src/control_panel/draft";
import { ControlPanel } from "../src/control_panel/panel";
import { draw, FakeModel, field, type } from "./fake";
import { choose, control, labelled, pass, press, stopTheClock } from "./page";
import { FIELDS, SUBJECTS, traits } from "./recipe_form";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

const DATA = [...SUBJECTS, { name: "dataset:others", kind: "data" as const, text: "", recipes: null }];
const COLUMNS = ["label", "day", "price"].map((name) => ({ name, kind: "" }));

let pages: (() => void)[];

/** A page with the panel, its choices and, but for null, columns told. */
async function opened(model: FakeModel, subjects = DATA, columns: typeof COLUMNS | null = COLUMNS) {
  let el = document.body;
  act(() => {
    const page = draw(ControlPanel, model);
    el = page.el;
    pages.push(page.close);
  });
  act(() => model.snapshot());
  await pass();
  if (model.of("subjects").length > 0) await answer(model, "subjects", { subjects });
  if (columns && model.of("columns").length > 0) await answer(model, "columns", { columns });
  return el;
}

async function answer(model: FakeModel, kind: string, result: unknown): Promise<void> {
  model.accept(kind, result);
  await pass();
}

/** What Python does with a draft: the newest is the trait, on every page. */
function keep(...models: FakeModel[]): void {
  const [newest] = models.flatMap((model) => model.of("draft").slice(-1));
  for (const model of models) act(() => model.change("draft", newest?.draft));
}

const epochs = (el: HTMLElement): HTMLInputElement => control(el, "epochs");

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

describe("what the form holds", () => {
  it("is there again on a page that is loaded anew, also what cannot be read", async () => {
    const model = new FakeModel(traits(false));
    const el = await opened(model);
    choose(labelled(el, "subjects.data"), "dataset:prices");
    choose(control(el, "recipe"), "timeseries");
    await pass();
    await answer(model, "columns", { columns: COLUMNS });
    choose(labelled(el, "subjects.model"), "architecture:tcn");
    choose(labelled(el, "columns.time"), "day");
    act(() => el.querySelector<HTMLInputElement>(".nbt-features input")?.click());
    act(() => type(epochs(el), "7"));
    act(() => type(control(el, "window"), "3x"));
    await pass(300);
    expect(model.of("draft")).toHaveLength(1);
    keep(model);

    const anew = new FakeModel({ ...model.traits });
    const page = await opened(anew);
    expect(labelled(page, "subjects.data").value).toBe("dataset:prices");
    expect(control<HTMLSelectElement>(page, "recipe").value).toBe("timeseries");
    expect(labelled(page, "subjects.model").value).toBe("architecture:tcn");
    expect(labelled(page, "columns.time").value).toBe("day");
    expect(page.querySelector<HTMLInputElement>(".nbt-features input")?.checked).toBe(true);
    expect(epochs(page).value).toBe("7");
    expect(control<HTMLInputElement>(page, "window").value).toBe("3x");
    await pass(300);
    expect(anew.last("check").options).toMatchObject({ recipe: "timeseries", epochs: 7 });
    expect(anew.of("draft")).toHaveLength(0);
  });

  it("is kept as soon as one leaves, and as soon as the kernel is there again", async () => {
    const model = new FakeModel(traits());
    const el = await opened(model);
    act(() => type(epochs(el), "7"));
    dispatchEvent(new Event("pagehide"));
    expect(model.last("draft").draft).toMatchObject({ options: { epochs: 7 } });
    await pass(5000); // nothing was heard for so long that the kernel counts as gone
    act(() => type(epochs(el), "8"));
    await pass(300);
    expect(model.of("draft")).toHaveLength(1);
    act(() => model.beat());
    await pass(300);
    expect(model.last("draft").draft).toMatchObject({ options: { epochs: 8 } });
  });

  it("is the newest on all pages", async () => {
    const [one, other] = [new FakeModel(traits()), new FakeModel(traits())];
    const [here, there] = [await opened(one), await opened(other)];
    act(() => type(epochs(here), "7"));
    await pass(300);
    keep(one, other);
    expect(epochs(there).value).toBe("7");
    act(() => type(epochs(there), "8"));
    await pass(300);
    expect(one.of("draft")).toHaveLength(1);
    keep(other, one);
    expect(epochs(here).value).toBe("8");
  });

  it("that is typed is not undone by an echo of what was typed before", async () => {
    const model = new FakeModel(traits());
    const el = await opened(model);
    act(() => type(epochs(el), "7"));
    await pass(300);
    act(() => type(epochs(el), "70"));
    keep(model);
    expect(epochs(el).value).toBe("70");
    const before = model.last("draft").draft;
    await pass(300);
    act(() => model.change("draft", before)); // late
    expect(epochs(el).value).toBe("70");
  });

  it("falls back where data, model or columns are gone", async () => {
    const draft = { model: "model:gone", data: "dataset:gone", columns: { target: "gone", time: "day" } };
    const model = new FakeModel({ ...traits(false), draft: { ...draft, options: { recipe: "timeseries" } } });
    const el = await opened(model, SUBJECTS);
    expect(labelled(el, "subjects.data").value).toBe("dataset:prices");
    expect(labelled(el, "subjects.model").value).toBe("");
    expect(labelled(el, "columns.target").value).toBe("");
    expect(labelled(el, "columns.time").value).toBe("day");
    await press(el, "button.start");
    expect(model.last("start")).toMatchObject({ data: "dataset:prices", columns: { time: "day" } });
    expect(console.error).not.toHaveBeenCalled();
  });

  it("has what other panels chose and suggested just once, whichever came first", async () => {
    const model = new FakeModel({ ...traits(false), suggested: { options: { epochs: 30 }, count: 1 } });
    model.traits.offered = { data: { name: "dataset:others", count: 2 } };
    const el = await opened(model);
    expect(labelled(el, "subjects.data").value).toBe("dataset:others");
    expect(epochs(el).value).toBe("30");
    choose(labelled(el, "subjects.data"), "dataset:prices");
    act(() => type(epochs(el), "7"));
    await pass(300);
    keep(model);
    const anew = new FakeModel({ ...model.traits });
    const page = await opened(anew);
    expect(labelled(page, "subjects.data").value).toBe("dataset:prices");
    expect(epochs(page).value).toBe("7");
    act(() => anew.change("suggested", { options: { epochs: 40 }, count: 3 }));
    expect(epochs(page).value).toBe("40");
  });
});

describe("a draft that was kept", () => {
  it("is read without what no field takes, and whatever it is", () => {
    const fields = [...FIELDS, field("shuffle", { type: "bool", default: true })];
    const options = { epochs: "7", learning_rate: null, level: "gone", gone: 1, shuffle: false, recipe: "speech" };
    expect(readDraft({ options, unreadable: { window: "x", gone: "y", epochs: 3 } }, fields)).toEqual({
      options: { shuffle: false, recipe: "speech" },
      unreadable: { window: "x" },
      model: null,
      data: null,
      columns: {},
      edits: null,
      seen: 0,
    });
    const empty = readDraft(undefined, fields);
    for (const odd of [null, [], "x", { options: [], columns: { target: 3 }, data: {}, seen: "1" }])
      expect(readDraft(odd, fields)).toEqual(empty);
  });
});

describe("columns that were chosen", () => {
  const columns = { target: "price", time: "day" };
  const draft = { data: "dataset:prices", columns, options: { recipe: "timeseries" } };

  it("are shown and sent, as long as nobody knows the columns of the data", async () => {
    const model = new FakeModel({ ...traits(false), draft });
    const el = await opened(model, SUBJECTS, null);
    expect(labelled(el, "columns.target").value).toBe("price");
    await press(el, "foreseen.look");
    expect(model.last("foresee").columns).toEqual(columns);
    await press(el, "button.start");
    expect(model.last("start").columns).toEqual(columns);
  });

  it("can be taken back then too, and are sent as far as the recipe asks for them", async () => {
    const model = new FakeModel({ ...traits(false), draft });
    const el = await opened(model, SUBJECTS, null);
    model.refuse("columns", { kind: "DataError", message: "x" });
    await pass();
    choose(labelled(el, "columns.target"), "");
    choose(control(el, "recipe"), "auto");
    await press(el, "button.start");
    expect(model.last("start").columns).toBeUndefined();
    model.refuse("start", { kind: "DataError", message: "x" });
    await pass();
    choose(control(el, "recipe"), "timeseries");
    await press(el, "button.start");
    expect(model.last("start").columns).toEqual({ time: "day" });
  });
});

describe("refreshing the choices", () => {
  it("asks for the columns of the chosen data too", async () => {
    const model = new FakeModel(traits(false));
    const el = await opened(model, SUBJECTS);
    expect(model.of("columns")).toHaveLength(1);
    choose(labelled(el, "columns.target"), "price");
    await press(el, "subjects.refresh");
    await answer(model, "subjects", { subjects: [...SUBJECTS] }); // each answer is read anew
    expect(model.of("columns")).toHaveLength(2);
    expect(labelled(el, "columns.target").value).toBe("price");
    await answer(model, "columns", { columns: [{ name: "cost", kind: "" }] });
    expect([...labelled(el, "columns.target").options].map(({ value }) => value)).toEqual(["", "cost"]);
  });

  it("asks for no columns of data that is gone", async () => {
    const model = new FakeModel(traits(false));
    const el = await opened(model, SUBJECTS);
    await press(el, "subjects.refresh");
    await answer(model, "subjects", { subjects: [] });
    expect(model.of("columns")).toHaveLength(1);
    expect(el.querySelector(".nbt-columns")).toBeNull();
  });
});
