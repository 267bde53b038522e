import { describe, expect, it } from "vitest";
import { changedColumns } from "../src/datasets/process/before_after";
import { freeName, reordered } from "../src/datasets/process/recipe";
import { moved, type Ratios } from "../src/datasets/split/ratios";
import { type Spec, specOf } from "../src/datasets/split/spec";
import { crc32, digestOf } from "../src/shared/work/upload";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

describe("shares of a split", () => {
  it("add up to one wherever a slider goes, and training is never empty", () => {
    for (const index of [0, 1, 2] as const) {
      for (let step = 0; step <= 200; step++) {
        let ratios: Ratios = [0.75, 0.125, 0.125];
        for (const value of [step / 200, 1 - step / 200, step / 400]) {
          ratios = moved(ratios, index, value);
          expect(ratios[0] + ratios[1] + ratios[2]).toBeCloseTo(1, 12);
          expect(Math.min(ratios[1], ratios[2])).toBeGreaterThanOrEqual(0);
          expect(ratios[0]).toBeGreaterThan(0);
        }
      }
    }
  });

  it("keep the proportion of the others", () => {
    expect(moved([0.7, 0.2, 0.1], 0, 0.4)).toEqual([0.4, 0.4, 0.2]);
    expect(moved([0.8, 0.1, 0.1], 2, 0.2)).toEqual([0.71, 0.09, 0.2]);
    expect(moved([1, 0, 0], 0, 0.8)).toEqual([0.8, 0.1, 0.1]);
  });
});

describe("a split that is asked for", () => {
  const spec: Spec = {
    method: "kfold",
    ratios: [0.8, 0.1, 0.1],
    target: "y",
    group: null,
    time: "t",
    column: null,
    key: "id",
    gap: "7d",
    folds: 5,
    fold: 1,
    seed: 3,
  };

  it("holds what its method knows, folds from 0, and rows or a time as the gap", () => {
    expect(specOf(spec)).toEqual({
      method: "kfold",
      test: 0.1,
      folds: 5,
      fold: 0,
      target: "y",
      group: null,
      key: ["id"],
      seed: 3,
    });
    expect(specOf({ ...spec, method: "time" })).toMatchObject({ time: "t", gap: "7d", train: 0.8 });
    expect(specOf({ ...spec, method: "time", gap: " 12 " })).toMatchObject({ gap: 12 });
    expect(specOf({ ...spec, method: "column" })).toEqual({ method: "column", column: null, target: "y" });
  });
});

describe("recipes", () => {
  it("are put in another order", () => {
    expect(reordered(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(reordered(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  });

  it("get a name that is not taken, whatever its case", () => {
    expect(freeName("Digits", ["digits", "DIGITS 2"])).toBe("Digits 3");
    expect(freeName("Digits", [])).toBe("Digits");
  });

  it("show which columns a step changed or made", () => {
    const before = { columns: ["a", "b"], rows: [["1", "x"]] };
    const after = { columns: ["a", "b", "c"], rows: [["1", "y", null]] };
    expect([...changedColumns(before, after)]).toEqual(["b", "c"]);
  });
});

describe("the hash of a piece", () => {
  it("is SHA-256, or zlib's CRC-32 where the page has no cryptography", async () => {
    expect(await digestOf(bytes("abc").buffer)).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(crc32(bytes("123456789"))).toBe("cbf43926");
    expect(crc32(new Uint8Array())).toBe("00000000");
  });
});
