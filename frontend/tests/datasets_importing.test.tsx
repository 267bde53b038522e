import { act } from "preact/test-utils";
import { describe, expect, it, vi } from "vitest";
import { digestOf } from "../src/shared/work/upload";
import { alert, appear, choose, drop, el, model, onFreshPages, open, press, task, tell } from "./datasets_page";
import { button, type } from "./fake";
import { pass, reply } from "./page";

onFreshPages();

describe("importing", () => {
  it("comes back after a reload with work in progress, and can cancel it", async () => {
    await open({ tasks: [task("t1"), task("old", { phase: "failed", error: { kind: "DataError", message: "x" } })] });
    expect(el.querySelector(".nbt-sidebar .nbt-task")?.textContent).toContain("Importing a.csv");
    expect(el.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("50");
    await press("button.cancel");
    expect(model.last("cancel").task).toBe("t1");
    expect(button(el, "datasets.task.cancelling").disabled).toBe(true);
  });

  it("imports from where it is told, and says beside the field why not", async () => {
    await open({ rows: [] });
    const input = el.querySelector<HTMLInputElement>(".nbt-place input");
    if (!input) throw new Error("no field");
    expect(button(el, "datasets.place.import").disabled).toBe(true);
    act(() => type(input, " data/*.csv "));
    await press("datasets.place.import");
    expect(model.last("import")).toMatchObject({ source: "data/*.csv", options: {} });
    await reply(() => model.refuse("import", { kind: "DataError", message: "There is no file data/*.csv." }));
    expect(input.getAttribute("aria-invalid")).toBe("true");
    expect(el.querySelector(`#${CSS.escape(input.getAttribute("aria-describedby") ?? "")}`)?.textContent).toContain(
      "no file",
    );
  });

  it("keeps the next place that is typed while the kernel takes up the one before", async () => {
    await open({ rows: [] });
    const field = () => el.querySelector(".nbt-place input") as HTMLInputElement;
    act(() => type(field(), "a.csv"));
    await press("datasets.place.import");
    act(() => type(field(), "b.csv"));
    await reply(() => model.accept("import", { task: "t1" }));
    expect(field().value).toBe("b.csv");
    await press("datasets.place.import");
    await reply(() => model.accept("import", { task: "t2" }));
    expect(field().value).toBe("");
  });

  it("offers to skip what cannot be read, with the options as they are, and is put away for good", async () => {
    const error = { kind: "DataFileError", message: "a.csv, line 7, column 2: a quote is not closed." };
    await open({ rows: [], tasks: [task("t1", { phase: "failed", error })] });
    expect(alert()).toContain("line 7");
    const read = el.querySelector<HTMLElement>(".nbt-read-fold");
    expect(read?.getAttribute("aria-expanded")).toBe("true");
    choose(el.querySelector('select[id$="-encoding"]'), "windows-1256");
    await press("datasets.import.skip");
    expect(model.last("import_again")).toMatchObject({
      task: "t1",
      options: { encoding: "windows-1256", on_error: "skip" },
    });
    await reply(() => model.accept("import_again", { task: "t2" }));
    expect(model.last("dismiss").task).toBe("t1");
    expect(alert()).toBe("");
  });

  it("keeps failures away that were put away before", async () => {
    const error = { kind: "DataError", message: "gone" };
    await open({ rows: [], dismissed: ["t1"], tasks: [task("t1", { phase: "failed", error })] });
    expect(alert()).toBe("");
  });

  it("asks for what suits the format alone", async () => {
    await open({ rows: [] });
    await press("datasets.read.title");
    const fields = () => [...el.querySelectorAll(".nbt-read-field select")].map(({ id }) => id.split("-").at(-1));
    expect(fields()).toContain("delimiter");
    expect(fields()).toContain("date_order");
    choose(el.querySelector('select[id$="-format"]'), "parquet");
    expect(fields()).toEqual(["format"]);
    choose(el.querySelector('select[id$="-format"]'), "text");
    expect(fields()).toEqual(["format", "encoding", "lines"]);
  });
});

describe("an upload", () => {
  const file = (): File => new File(["0123456789"], "a.csv", { lastModified: 7 });

  async function answer(kind: string, result: object): Promise<void> {
    // The file is read and hashed outside of the fake clock.
    await vi.waitFor(() => expect(model.of(kind).some(({ id }) => !answered.has(id))).toBe(true));
    answered.add(model.last(kind).id);
    expect(model.of(kind).every(({ id }) => answered.has(id))).toBe(true); // never two under way
    await reply(() => model.accept(kind, result));
  }
  const answered = new Set<string>();

  it("is taken also where the panel has not heard of its datasets yet", async () => {
    await appear();
    drop(file());
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(1));
  });

  it("goes in pieces, each after the one before was taken, and is imported", async () => {
    await open({ rows: [] });
    const buffers = vi.spyOn(model, "send");
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 0 });
    const ends = await Promise.all(["0123", "6789"].map((end) => digestOf(new TextEncoder().encode(end).buffer)));
    expect(model.last("upload")).toMatchObject({ name: "a.csv", size: 10, stamp: ["7", ...ends].join(" ") });
    await answer("chunk", { have: 4 });
    await answer("chunk", { have: 8 });
    await answer("chunk", { have: 10 });
    expect(model.of("chunk").map(({ offset }) => offset)).toEqual([0, 4, 8]);
    const sent = buffers.mock.calls.filter(([content]) => (content as { kind: string }).kind === "chunk");
    const sizes = sent.map((call) => ((call as unknown[])[2] as ArrayBuffer[])[0]?.byteLength);
    expect(sizes).toEqual([4, 4, 2]);
    await answer("uploaded", { task: "t1", sha256: "s" });
    expect(model.last("uploaded")).toMatchObject({ upload: "u1", options: {} });
    tell(task("t1", { phase: "done" }));
    await pass();
    expect(model.last("result").task).toBe("t1");
  });

  it("goes on from what the kernel has, and waits while it is gone", async () => {
    await open({ rows: [] });
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 8 });
    await answer("check_upload", {});
    await vi.waitFor(() => expect(model.of("chunk")).toHaveLength(1));
    expect(model.last("chunk").offset).toBe(8);
    await pass(4000); // no beat: the kernel is gone
    expect(el.textContent).toContain("datasets.upload.waiting");
    act(() => model.beat());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 10 });
    await answer("check_upload", {});
    await answer("uploaded", { task: "t1", sha256: "s" });
    expect(el.textContent).not.toContain("datasets.upload.waiting");
  });

  it("goes on only where the kernel has the beginning of this file, and skips nothing it did not send", async () => {
    await open({ rows: [] });
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 6 });
    const digests = await Promise.all(["0123", "45"].map((piece) => digestOf(new TextEncoder().encode(piece).buffer)));
    const digest = await digestOf(new TextEncoder().encode(digests.join("")).buffer);
    await vi.waitFor(() => expect(model.of("check_upload")).toHaveLength(1));
    expect(model.last("check_upload")).toMatchObject({ upload: "u1", have: 6, digest });
    await reply(() => model.refuse("check_upload", { kind: "DataError", message: "It is another file." }));
    await vi.waitFor(() => expect(alert()).toContain("another file"));
    expect(model.of("chunk")).toHaveLength(0);
    await press("button.retry");
    await answer("upload", { upload: "u2", name: "a.csv", size: 10, have: 0 });
    await answer("chunk", { have: 9 }); // another page is ahead
    await answer("chunk", { have: 10 });
    await answer("chunk", { have: 10 });
    expect(model.of("chunk").map(({ offset }) => offset)).toEqual([0, 4, 8]);
  });

  it("is not sent again when the kernel was gone before it answered that it is whole", async () => {
    await open({ rows: [] });
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 8 });
    await answer("check_upload", {});
    await answer("chunk", { have: 10 });
    await vi.waitFor(() => expect(model.of("uploaded")).toHaveLength(1));
    await pass(4000);
    expect(el.textContent).toContain("datasets.upload.waiting");
    act(() => model.beat());
    await vi.waitFor(() => expect(model.of("uploaded")).toHaveLength(2));
    expect(model.of("upload")).toHaveLength(1);
  });

  it("says why it stands still, and tries again from there", async () => {
    await open({ rows: [] });
    drop(file());
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(1));
    await reply(() => model.refuse("upload", { kind: "DataError", message: "The disk has 3 bytes left." }));
    await pass();
    expect(alert()).toContain("3 bytes left");
    await press("button.retry");
    await vi.waitFor(() => expect(model.of("upload")).toHaveLength(2));
  });

  it("is thrown away when it is called off, and is named when another page left it half-way", async () => {
    await open({ rows: [], uploads: [{ upload: "u9", name: "b.csv", size: 10, have: 5 }] });
    expect(el.querySelector(".nbt-half")?.textContent).toContain("datasets.upload.half");
    drop(file());
    await answer("upload", { upload: "u1", name: "a.csv", size: 10, have: 0 });
    await press("button.cancel");
    expect(model.last("drop_upload").upload).toBe("u1");
    expect(el.querySelector(".nbt-task:not(.nbt-half)")).toBeNull();
  });
});
