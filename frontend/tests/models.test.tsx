import { act } from "preact/test-utils";
import { describe, expect, it, vi } from "vitest";
import { button, type } from "./fake";
import {
  alert,
  appear,
  choose,
  close,
  drop,
  el,
  facts,
  key,
  model,
  names,
  onFreshPages,
  open,
  page,
  press,
  row,
  select,
  task,
  tell,
  version,
} from "./models_page";
import { pass, reply } from "./page";

onFreshPages();

describe("my models", () => {
  it("teach when there are none, and lead to the Hub", async () => {
    await open({ rows: [] });
    expect(el.textContent).toContain("models.empty.title");
    expect(el.querySelector(".nbt-drop")).not.toBeNull();
    await press("models.empty.find");
    expect(model.last("search").query).toEqual({ sort: "trending" });
  });

  it("draw of ten thousand only what is seen, and ask for the pages that are looked at", async () => {
    const rows = Array.from({ length: 100 }, (_, index) => row(`m${index}`));
    await open({ rows, total: 10_000 });
    expect(el.querySelectorAll("[role=option]").length).toBeLessThan(40);
    expect(el.querySelector("[role=option]")?.getAttribute("aria-setsize")).toBe("10000");
    const list = el.querySelector<HTMLElement>("[role=listbox]");
    if (!list) throw new Error("no list");
    act(() => {
      list.scrollTop = 28 * 5000;
      list.dispatchEvent(new Event("scroll"));
    });
    await pass();
    expect(model.last("models")).toMatchObject({ offset: 5000, limit: 100 });
    await reply(() =>
      model.accept("models", { rows: [row("far")], total: 10_000, count: 10_000, categories: [], tags: [] }),
    );
    expect(names()).toContain("far");
  });

  it("are searched after a rest, filtered and sorted at once, and an old answer never counts", async () => {
    await open();
    act(() => type(el.querySelector('input[type="search"]') as HTMLInputElement, "be"));
    await pass(100);
    act(() => type(el.querySelector('input[type="search"]') as HTMLInputElement, "bert"));
    await pass(250);
    expect(model.of("models")).toHaveLength(2);
    expect(model.last("models").query).toEqual({ search: "bert", sort: "updated", descending: true });
    const old = model.last("models").id;
    select("models.filter.stage", "production");
    await pass();
    expect(model.last("models").query).toMatchObject({ search: "bert", stage: "production" });
    await page({ rows: [row("right")], count: 7 });
    const late = { rows: [row("late")], total: 1, count: 7, categories: [], tags: [] };
    await reply(() => model.message({ type: "reply", id: old, ok: true, result: late }));
    expect(names()).toEqual(["right"]);
    expect(el.querySelector(".nbt-models-foot")?.textContent).toContain("of 7");
    select("models.sort", "name");
    await pass();
    expect(model.last("models").query).toMatchObject({ sort: "name", descending: false });
  });

  it("are cards or lines, as was chosen last", async () => {
    await open();
    expect(el.querySelector(".nbt-model-row")).not.toBeNull();
    await press("models.view.cards");
    expect(el.querySelector(".nbt-model-card")).not.toBeNull();
    act(() => close());
    await open();
    expect(el.querySelector(".nbt-model-card")).not.toBeNull();
  });

  it("show a figure whole, whatever its metric is called", async () => {
    await open({ rows: [row("a", { metric: { name: "val_accuracy", value: 0.9312 } }), row("b")] });
    const [metric, none] = [...el.querySelectorAll<HTMLElement>(".nbt-model-metric")];
    expect(metric?.lastElementChild?.textContent).toBe("0.9312");
    expect(metric?.title).toBe("val_accuracy 0.9312");
    expect(none?.textContent).toBe("");
  });

  it("are walked by keys: arrows move, Enter opens, Escape closes", async () => {
    await open({ rows: [row("a"), row("b"), row("c")] });
    const list = el.querySelector("[role=listbox]");
    key(list, "ArrowDown");
    await pass(200);
    expect(model.of("facts")).toHaveLength(0);
    key(list, "Enter");
    await pass();
    expect(model.last("facts").model).toBe("b");
    await reply(() => model.accept("facts", facts(row("b"))));
    key(list, "ArrowDown");
    await pass(200); // what is walked past is not asked for
    expect(model.last("facts").model).toBe("c");
    key(el.querySelector(".nbt-split-detail"), "Escape");
    await pass();
    expect(el.querySelector(".nbt-split-detail")).toBeNull();
  });

  it("show what comes from outside as text", async () => {
    await open({ rows: [row("x", { name: "<img src=x>", architecture: "<b>A</b>", tags: ["<i>"] })] });
    await choose("<img", { versions: [version(1, { note: "<script>1</script>", labels: ["<u>"] })] });
    expect(el.querySelector("img, script, i, u, b")).toBeNull();
    expect(el.textContent).toContain("<img src=x>");
  });

  it("say again why they cannot be read, and are asked for again", async () => {
    await open();
    select("models.sort", "bytes");
    await pass();
    await reply(() => model.refuse("models", { kind: "WorkspaceError", message: "The workspace is gone." }));
    expect(alert()).toContain("workspace is gone");
    await press("button.retry");
    await page();
    expect(alert()).toBe("");
  });
});

describe("a model that arrives", () => {
  it("asks in its place before a pickle is converted, and shows what came of it", async () => {
    const error = { kind: "NeedsPermission", message: "a.pt is a pickle." };
    await open({ rows: [], tasks: [task("t1", { phase: "failed", error })] });
    await reply(() => model.accept("question", { question: "convert" }));
    expect(alert()).toContain("a.pt is a pickle");
    expect(alert()).toContain("models.ask.convert.help");
    await press("models.ask.convert.yes");
    expect(model.last("import_again")).toMatchObject({ task: "t1", options: { convert: true } });
    await reply(() => model.accept("import_again", { task: "t2" }));
    expect(model.last("dismiss").task).toBe("t1");
    tell(task("t2", { phase: "done" }));
    await pass();
    expect(model.last("result").task).toBe("t2");
    await reply(() => model.accept("result", { model: "new" }));
    expect(model.last("facts").model).toBe("new");
  });

  it("may be let go of instead, and one whose code would run asks for that", async () => {
    const error = { kind: "NeedsPermission", message: "code" };
    await open({ rows: [], tasks: [task("t1", { phase: "failed", error })] });
    await reply(() => model.accept("question", { question: "remote_code" }));
    expect(button(el, "models.ask.remote_code.yes")).toBeDefined();
    await press("models.ask.no");
    expect(model.last("dismiss").task).toBe("t1");
    expect(model.of("import_again")).toHaveLength(0);
  });

  it("is dropped anywhere on the panel, also on the side of the Hub", async () => {
    await open();
    act(() => el.querySelector<HTMLElement>('[role=tab][id$="-hub"]')?.click());
    await pass();
    drop(".nbt-models-foot");
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(1));
    expect(model.last("upload")).toMatchObject({ name: "a.safetensors", size: 4 });
    expect(el.querySelector(".nbt-task")?.textContent).toContain("datasets.upload.title");
  });

  it("is taken also where the panel has not heard of its models yet", async () => {
    await appear();
    drop(".nbt-models");
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(1));
  });
});
