import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { levelOf, share } from "../src/hardware_monitor/levels";
import { HardwareMonitor } from "../src/hardware_monitor/panel";
import { highest, pathOf } from "../src/hardware_monitor/sparkline";
import type { GpuSample, HardwareSample } from "../src/shared/wire";
import { draw, FakeModel } from "./fake";

const GIB = 2 ** 30;
const WORDS = {
  "bytes.GiB": "{value} GiB",
  "hardware.of": "{used} of {total}",
  "hardware.no_gpu": "No GPU",
  "hardware.gpu_driver": "Driver is silent",
  "hardware.gpu": "GPU {index}",
  "hardware.unknown": "not told",
  "hardware.level.high": "high",
  "hardware.level.critical": "very high",
  "hardware.empty.title": "Measuring",
};
const SAMPLE: HardwareSample = {
  time: 1,
  cpu: 0.31,
  cores: [0.5, 0.12],
  memory_used: 8 * GIB,
  memory_total: 16 * GIB,
  process_memory: GIB,
  disk_used: 10 * GIB,
  disk_total: 100 * GIB,
  disk_read: 0,
  disk_write: 0,
  gpus: [],
  gpu_note: "none",
};
const GPU: GpuSample = {
  index: 0,
  name: "H200",
  use: 0.5,
  memory_used: 70 * GIB,
  memory_total: 140 * GIB,
  temperature: 60,
  power: 500,
  power_limit: 700,
};

let close: (() => void) | undefined;

afterEach(() => act(() => close?.()));

function open(...hardware: Partial<HardwareSample>[]): HTMLElement {
  const model = new FakeModel({ words: WORDS, language: "en", direction: "ltr" });
  let el = document.createElement("div");
  act(() => {
    ({ el, close } = draw(HardwareMonitor, model));
    const samples = hardware.map((sample) => ({ ...SAMPLE, ...sample }));
    model.push({ type: "snapshot", states: [], series: [], hardware: samples });
  });
  return el;
}

describe("the hardware monitor", () => {
  it("says that it is measuring before the first sample", () => {
    expect(open().textContent).toContain("Measuring");
  });

  it("shows the newest sample", () => {
    const el = open({ cpu: 0.9 }, { cpu: 0.31 });
    expect(el.textContent).toContain("31%");
    expect(el.textContent).toContain("8 GiB of 16 GiB");
    expect(el.querySelectorAll(".nbt-hw-cores > span")).toHaveLength(2);
  });

  it("calmly says that there is no GPU, or that its driver is silent", () => {
    expect(open().querySelector("[role=alert]")).toBeNull();
    expect(open({}).textContent).toContain("No GPU");
    expect(open({ gpu_note: "driver" }).textContent).toContain("Driver is silent");
  });

  it("has a card for each GPU, with what the driver does not tell said so", () => {
    const el = open({ gpu_note: "", gpus: [GPU, { ...GPU, index: 1, name: "<b>x</b>", use: null, power: null }] });
    expect(el.textContent).toContain("GPU 0");
    expect(el.textContent).toContain("GPU 1");
    expect(el.textContent).toContain("<b>x</b>");
    expect(el.textContent).toContain("not told");
    expect(el.textContent).not.toContain("No GPU");
  });

  it("says in words, not in colour alone, that something is nearly full or hot", () => {
    expect(open({}).querySelector(".nbt-hw-level")).toBeNull();
    expect(open({ memory_used: 15.5 * GIB }).querySelector(".nbt-hw-level")?.textContent).toBe("very high");
    const hot = open({ gpu_note: "", gpus: [{ ...GPU, temperature: 85 }] });
    expect(hot.querySelector(".nbt-hw-level")?.textContent).toBe("high");
  });
});

describe("levels", () => {
  it("begin at their limits", () => {
    expect([0.79, 0.8, 0.92].map((value) => levelOf("memory", value))).toEqual(["ok", "high", "critical"]);
    expect([79, 80, 90].map((value) => levelOf("temperature", value))).toEqual(["ok", "high", "critical"]);
    expect(levelOf("disk", null)).toBe("ok");
  });

  it("need a total", () => {
    expect([share(1, 2), share(null, 2), share(1, null), share(1, 0)]).toEqual([0.5, null, null, null]);
  });
});

describe("a sparkline", () => {
  it("keeps the highest of each stretch", () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i === 333 ? 9 : 1));
    expect(highest(values, 100)).toHaveLength(100);
    expect(Math.max(...highest(values, 100).map((value) => value ?? 0))).toBe(9);
    expect(highest([null, null, 3, 4], 2)).toEqual([null, 4]);
  });

  it("has a gap where nothing is known", () => {
    expect(pathOf([1, null, 1, 1], 1).match(/M/g)).toHaveLength(2);
    expect(pathOf([null], 1)).toBe("");
  });
});
