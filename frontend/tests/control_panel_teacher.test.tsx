import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ControlPanel } from "../src/control_panel/panel";
import type { TeacherChoice } from "../src/shared/wire";
import { button, draw, FakeModel, field, type } from "./fake";
import { choose, control, labelled, pass, press, stopTheClock } from "./page";
import { FIELDS, RECIPES, SUBJECTS } from "./recipe_form";

// A canvas is nothing this page can draw on; the charts have tests of their own.
vi.mock("../src/shared/charts", () => ({ Charts: () => null }));

const OWN = { group: "distillation", min: null, max: null, recipes: ["auto", "custom", "timeseries"] };
const SETUP = {
  fields: [
    ...FIELDS,
    field("teacher", { ...OWN, type: "text", default: null, optional: true }),
    field("distill_alpha", { ...OWN, default: 0.5, needs: { teacher: [] } }),
  ],
  presets: [],
  recipes: RECIPES,
  bound: false,
};
const TEACHERS: TeacherChoice[] = [
  { name: "digits", text: "Version 2 · Production · resnet", why: "" },
  { name: "large <b>", text: "Version 1 · mlp", why: "" },
  { name: "cats", text: "Version 1 · resnet", why: "it knows other classes: cat, dog" },
];
/** The form rests so long before it asks. */
const REST = 250;
const COLUMNS = ["label", "day"].map((name) => ({ name, kind: "" }));

let model: FakeModel;
let el: HTMLElement;
let close: () => void;

/** The form on data of the workspace, with the options of a teacher unfolded. */
async function open(draft: object = {}): Promise<void> {
  const kept = { data: "dataset:prices", ...draft };
  model = new FakeModel({ words: {}, language: "en", direction: "ltr", setup: SETUP, draft: kept });
  act(() => {
    ({ el, close } = draw(ControlPanel, model));
  });
  act(() => model.snapshot());
  await pass();
  await answer("subjects", { subjects: SUBJECTS });
  await answer("columns", { columns: COLUMNS });
  const heads = [...el.querySelectorAll<HTMLButtonElement>(".nbt-group h3 button")];
  act(() => heads.find(({ textContent }) => textContent.startsWith("group.distillation"))?.click());
  await pass(REST);
}

async function answer(kind: string, result: unknown): Promise<void> {
  model.accept(kind, result);
  await pass();
}

const select = (): HTMLSelectElement => control(el, "teacher");
const typed = (): HTMLInputElement | null => el.querySelector('[id$="-teacher-typed"]');
const values = (): string[] => [...select().options].map(({ value }) => value);
const said = (): string[] => [...select().options].map(({ textContent }) => textContent);

async function started(): Promise<unknown> {
  act(() => button(el, "button.start").click());
  await pass();
  return (model.last("start").options as Record<string, unknown>).teacher;
}

beforeEach(() => {
  stopTheClock();
});

afterEach(() => {
  act(() => close());
  vi.useRealTimers();
});

describe("the teacher", () => {
  it("is asked for once its group is open, and again as the training becomes another", async () => {
    await open();
    expect(model.of("teachers")).toHaveLength(1);
    expect(model.last("teachers")).toMatchObject({ options: { recipe: "auto" }, data: "dataset:prices" });
    act(() => type(control(el, "epochs"), "7"));
    await pass(300);
    expect(model.of("teachers")).toHaveLength(1);
    choose(labelled(el, "columns.target"), "label");
    await pass(REST);
    expect(model.last("teachers")).toMatchObject({ columns: { target: "label" } });
    choose(control(el, "recipe"), "timeseries");
    await pass(REST - 50);
    choose(labelled(el, "subjects.model"), "architecture:tcn");
    await pass(REST - 50);
    expect(model.of("teachers")).toHaveLength(2); // not while it is still being filled in
    await pass(50);
    expect(model.last("teachers")).toMatchObject({ options: { recipe: "timeseries" }, model: "architecture:tcn" });
    const before = model.of("teachers").length;
    await press(el, "subjects.refresh");
    await answer("subjects", { subjects: [...SUBJECTS] });
    await pass(REST);
    expect(model.of("teachers")).toHaveLength(before + 1);
  });

  it("is one of the models that can teach; of the others it is told why not", async () => {
    await open();
    await answer("teachers", { teachers: TEACHERS });
    expect(said()).toEqual([
      "teacher.none",
      "digits · Version 2 · Production · resnet",
      "large <b> · Version 1 · mlp",
      "teacher.another",
    ]);
    expect(el.querySelector(`label[for="${select().id}"]`)?.textContent).toBe("option.teacher.label");
    expect(el.querySelector(".nbt-teacher summary")?.textContent).toBe("teacher.cannot");
    expect([...el.querySelectorAll(".nbt-teacher li")].map(({ textContent }) => textContent)).toEqual([
      "cats: it knows other classes: cat, dog",
    ]);
    expect(el.querySelector('[id$="-distill_alpha"]')).toBeNull();
    choose(select(), "digits");
    await pass();
    expect(el.querySelector('[id$="-distill_alpha"]')).not.toBeNull();
    expect(await started()).toBe("digits");
  });

  it("may be typed where it is another, and taken back", async () => {
    await open();
    await answer("teachers", { teachers: TEACHERS });
    choose(select(), values().at(-1) ?? "");
    await pass();
    const input = typed();
    if (!input) throw new Error("nothing to type in");
    expect(document.activeElement).toBe(input);
    expect(input.getAttribute("aria-label")).toBe("teacher.name");
    const described = input.getAttribute("aria-describedby") ?? "";
    expect(el.querySelector(`#${CSS.escape(described)}`)?.textContent).toBe("teacher.name.help");
    act(() => type(input, "hub:owner/name"));
    await pass();
    expect(typed()?.value).toBe("hub:owner/name");
    act(() => type(input, "")); // to type another
    await pass();
    expect(typed()).not.toBeNull();
    act(() => type(input, "digits"));
    expect(await started()).toBe("digits");
    model.refuse("start", {
      kind: "ConfigError",
      message: "x",
      problems: [{ field: "teacher", message: "there is none" }],
    });
    await pass();
    expect(typed()?.getAttribute("aria-invalid")).toBe("true");
    choose(select(), "");
    await pass();
    expect(typed()).toBeNull();
  });

  it("that was kept is chosen, or stands as it was typed", async () => {
    await open({ options: { teacher: "digits" } });
    expect(select().value).toBe("digits"); // while nobody has told
    expect(typed()).toBeNull();
    await answer("teachers", { teachers: TEACHERS });
    expect(select().value).toBe("digits");
    expect(said()).toContain("digits · Version 2 · Production · resnet");
    close();
    await open({ options: { teacher: "hub:owner/name" } });
    await answer("teachers", { teachers: TEACHERS });
    expect(typed()?.value).toBe("hub:owner/name");
  });

  it("that is set on another page, or back to none, is what is shown", async () => {
    await open();
    await answer("teachers", { teachers: TEACHERS });
    choose(select(), values().at(-1) ?? "");
    await pass();
    act(() => type(typed() as HTMLInputElement, "hub:owner/name"));
    await pass();
    await press(el, "form.reset");
    expect(typed()).toBeNull();
    expect(select().value).toBe("");
    await pass(300);
    act(() =>
      model.change("draft", { ...(model.last("draft").draft as object), page: "x", options: { teacher: "digits" } }),
    );
    expect(select().value).toBe("digits");
  });

  it("can still be typed where no model can teach, or none was told", async () => {
    await open();
    expect(el.textContent).not.toContain("teacher.empty");
    model.refuse("teachers", { kind: "WorkspaceError", message: "the disk is gone" });
    await pass();
    expect(el.textContent).toContain("the disk is gone");
    choose(select(), values().at(-1) ?? "");
    await pass();
    expect(typed()).not.toBeNull();
    close();
    await open();
    await answer("teachers", { teachers: TEACHERS.slice(2) });
    expect(el.textContent).toContain("teacher.empty");
    expect(values()).toHaveLength(2);
  });
});
