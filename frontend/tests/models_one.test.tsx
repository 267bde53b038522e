import { act } from "preact/test-utils";
import { describe, expect, it } from "vitest";
import { type } from "./fake";
import {
  alert,
  choose,
  el,
  facts,
  key,
  model,
  onFreshPages,
  open,
  page,
  press,
  row,
  select,
  task,
  tell,
  toast,
  version,
} from "./models_page";
import { pass, reply } from "./page";

onFreshPages();

describe("a model", () => {
  it("is deleted after one question, and comes back", async () => {
    await open();
    await choose("a");
    await press("models.delete");
    expect(model.of("delete")).toHaveLength(0);
    await press("models.keep");
    expect(el.querySelector(".nbt-confirm")).toBeNull();
    await press("models.delete");
    await press("models.delete", el.querySelector(".nbt-confirm") as Element);
    expect(model.last("delete")).toMatchObject({ model: "a", version: null });
    await reply(() => model.accept("delete"));
    await page({ rows: [row("b")] });
    expect(toast()).toContain("a was deleted");
    await press("datasets.undo");
    expect(model.last("undelete")).toMatchObject({ model: "a", version: null });
    await reply(() => model.accept("undelete"));
    await page();
    expect(toast()).toContain("a is back");
    expect(model.last("facts").model).toBe("a");
  });

  it("keeps both of two tags that are given faster than the kernel answers", async () => {
    await open();
    await choose("a", {}, { tags: ["v1"] });
    const tag = el.querySelector<HTMLInputElement>('input[aria-label="models.tag.add"]') as HTMLInputElement;
    for (const name of ["best", "small"]) {
      act(() => type(tag, name));
      key(tag, "Enter");
      await pass();
    }
    expect(model.of("tag").map(({ tags }) => tags)).toEqual([
      ["v1", "best"],
      ["v1", "best", "small"],
    ]);
  });

  it("is moved to a stage, tagged and put into a category; what is refused is said there", async () => {
    await open();
    await choose("a", { versions: [version(2), version(1)] }, { tags: ["v1"] });
    select("-stage", "production", el.querySelector(".nbt-version"));
    await pass();
    expect(model.last("move")).toMatchObject({ model: "a", version: 2, stage: "production" });
    await reply(() => model.accept("move"));
    expect(toast()).toBe(""); // not before the panel shows it
    await reply(() => model.accept("facts", facts(row("a", { tags: ["v1"] }))));
    expect(toast()).toContain("models.said.moved");
    const tag = el.querySelector<HTMLInputElement>('input[aria-label="models.tag.add"]');
    act(() => type(tag as HTMLInputElement, "best"));
    key(tag, "Enter");
    await pass();
    expect(model.last("tag").tags).toEqual(["v1", "best"]);
    await reply(() => model.refuse("tag", { kind: "ConfigError", message: "A tag has a comma." }));
    expect(alert()).toContain("comma");
    const category = el.querySelector<HTMLInputElement>(".nbt-model-category input");
    act(() => type(category as HTMLInputElement, "vision"));
    key(category, "Enter");
    await pass();
    expect(model.last("categorise").category).toBe("vision");
  });

  it("keeps what is typed while the kernel answers to what was typed before", async () => {
    await open();
    await choose("a");
    const write = (of: string, text: string) => act(() => type(el.querySelector(of) as HTMLInputElement, text));
    for (const [of, kind] of [
      ['input[aria-label="models.tag.add"]', "tag"],
      [".nbt-model-category input", "categorise"],
    ] as const) {
      write(of, "first");
      key(el.querySelector(of), "Enter");
      await pass();
      write(of, "second");
      await reply(() => model.accept(kind));
      await reply(() => model.accept("facts", facts(row("a"))));
      expect(toast()).toContain("models.said");
      expect(el.querySelector<HTMLInputElement>(of)?.value).toBe("second");
    }
  });

  it("is renamed in its place, where what is typed goes", async () => {
    await open();
    await choose("a");
    await press("models.rename");
    const input = el.querySelector<HTMLInputElement>(".nbt-name input");
    expect(document.activeElement).toBe(input); // and not to the notebook, whose keys delete cells
    act(() => type(input as HTMLInputElement, "best"));
    key(input, "Enter");
    await pass();
    expect(model.last("rename")).toMatchObject({ model: "a", name: "best" });
    await reply(() => model.accept("rename"));
    await reply(() => model.accept("facts", facts(row("a", { name: "best" }))));
    expect(toast()).toContain("models.said.renamed");
    expect(el.querySelector(".nbt-name h2")?.textContent).toBe("best");
  });

  it("keeps a note, and a version that was deleted comes back", async () => {
    await open();
    await choose("a", { versions: [version(2), version(1)] });
    const area = el.querySelector<HTMLTextAreaElement>(".nbt-note textarea");
    if (!area) throw new Error("no note");
    area.value = "ships on Monday";
    act(() => void area.dispatchEvent(new Event("input", { bubbles: true })));
    await press("models.note.save");
    expect(model.last("note")).toMatchObject({ model: "a", version: 2, note: "ships on Monday" });
    await press("models.version.delete");
    await press("models.delete", el.querySelector(".nbt-confirm") as Element);
    expect(model.last("delete")).toMatchObject({ model: "a", version: 2 });
    await reply(() => model.accept("delete"));
    await reply(() => model.accept("facts", facts(row("a"))));
    await press("datasets.undo");
    expect(model.last("undelete")).toMatchObject({ model: "a", version: 2 });
  });

  it("says that it is gone, and can be asked for again", async () => {
    await open();
    act(() => el.querySelector<HTMLElement>("[role=option]")?.click());
    await pass();
    await reply(() => model.refuse("facts", { kind: "ModelNotFoundError", message: "There is no model 'a'." }));
    expect(el.querySelector(".nbt-split-detail [role=alert]")?.textContent).toContain("no model 'a'");
    await press("button.retry");
    await reply(() => model.accept("facts", facts(row("a"))));
    expect(el.querySelector(".nbt-version")).not.toBeNull();
  });

  it("is verified and says how it went", async () => {
    await open();
    await choose("a");
    await press("models.verify");
    await reply(() => model.accept("verify", { task: "v1" }));
    tell(task("v1", { kind: "verify", phase: "failed", error: { kind: "ModelFileError", message: "It differs." } }));
    await pass();
    expect(alert()).toContain("It differs");
  });

  it("is exported, and shows the largest difference", async () => {
    await open();
    await choose("a");
    act(() => el.querySelector<HTMLElement>('[role=tab][id$="-export"]')?.click());
    await pass();
    select("-format", "onnx");
    expect(el.querySelector<HTMLInputElement>('input[id$="-path"]')?.value).toBe("a.onnx");
    await press("models.export");
    expect(model.last("export")).toMatchObject({
      model: "a",
      version: 1,
      format: "onnx",
      path: "a.onnx",
      options: { overwrite: false },
    });
    tell(task("e1", { kind: "model_export", phase: "done" }));
    await reply(() => model.accept("export", { task: "e1" }));
    const files = [{ path: "a.onnx", size: 10, safe: true }];
    const result = { path: "/w/a.onnx", files, bytes: 10, difference: 0.0000012, note: "" };
    await reply(() => model.accept("exported", { export: result }));
    expect(el.querySelector(".nbt-written")?.textContent).toContain("difference 1.2E-6");
    expect(toast()).toContain("a → /w/a.onnx");
  });

  it("is tried: values go as their fields say, and probabilities are bars", async () => {
    await open();
    await choose("a");
    await press("models.try");
    const field = { choices: [], example: null, accept: "", rows: 0 };
    const fields = [
      { ...field, name: "age", type: "number", example: 4 },
      { ...field, name: "member", type: "switch", example: true },
      { ...field, name: "wave", type: "series", rows: 2, example: [[1, 2], [3, 4]] }, // biome-ignore format: a line each
    ];
    await reply(() => model.accept("try_form", { kind: "tabular", fields, note: "" }));
    act(() => type(el.querySelector(".nbt-try-number input") as HTMLInputElement, "۷"));
    await press("try.predict");
    expect(model.last("predict")).toMatchObject({
      model: "a",
      version: 1,
      values: { age: 7, member: true, wave: "1,2\n3,4" },
    });
    const guesses = [{ label: "<b>yes</b>", probability: 0.75 }];
    const marks = [
      { text: "<i>Anna</i>", label: "B-PER" },
      { text: "walks", label: "" },
    ];
    const none = { title: "", text: "", marks: [], mime: "", content: "" };
    const shown = [
      { ...none, kind: "text", text: "<b>on and on</b>" },
      { ...none, kind: "marks", marks },
      { ...none, kind: "image", title: "points", mime: "image/png", content: btoa("a picture") },
      { ...none, kind: "image", mime: "image/svg+xml", content: btoa("<svg/>") },
    ];
    await reply(() => model.accept("predict", { guesses, values: [], shown, seconds: 0.01, note: "" }));
    expect(el.querySelector(".nbt-shown-text")?.textContent).toBe("<b>on and on</b>");
    expect(el.querySelector(".nbt-shown-marks")?.textContent).toBe("<i>Anna</i> B-PER walks");
    expect([...el.querySelectorAll(".nbt-shown-marks mark")].length).toBe(1);
    const images = [...el.querySelectorAll<HTMLImageElement>(".nbt-shown img")];
    expect(images.map(({ alt, src }) => [alt, src.startsWith("blob:")])).toEqual([["points", true]]); // no SVG
    expect(el.querySelector(".nbt-guess")?.textContent).toContain("<b>yes</b>75.0%");
    expect(el.querySelector<HTMLElement>(".nbt-guess-bar span")?.style.inlineSize).toBe("75%");
    await press("try.predict");
    const problems = [{ field: "age", message: "age is 7000" }];
    await reply(() => model.refuse("predict", { kind: "ConfigError", message: "age", problems }));
    expect(el.querySelector(".nbt-try-number [role=alert]")?.textContent).toBe("age is 7000");
  });

  it("is handed to training, or says the line that does so", async () => {
    await open();
    await choose("a");
    await press("models.use");
    await reply(() => model.accept("use", { taken: false }));
    expect(toast()).toContain('Run nbtrain.train("a", data)');
  });
});
