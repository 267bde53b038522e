import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NumberInput, type NumberInputProps } from "../src/shared/controls/number";
import { parseNumber } from "../src/shared/controls/parse";
import { fromStop, type Scale, stops, toStop } from "../src/shared/controls/scale";
import { type } from "./fake";

describe("numbers as they are typed", () => {
  it.each([
    ["1e-3", 0.001],
    [" 0.10 ", 0.1],
    [".5", 0.5],
    ["-2", -2],
    ["0,001", 0.001],
    ["۱۲۳", 123],
    ["۰٫۵", 0.5],
    ["٣٢", 32],
    ["−1", -1],
  ])("%s", (text, value) => expect(parseNumber(text)).toBe(value));

  it.each(["", "abc", "1e", "1.2.3", "0x10", "Infinity", "NaN", "1e999", "1_000", "1 000"])("not %j", (text) =>
    expect(parseNumber(text)).toBeNull(),
  );
});

describe("slider scales", () => {
  const LR: Scale = { min: 1e-4, max: 0.1, kind: "log", integer: false, step: null };
  const BATCH: Scale = { min: 1, max: 256, kind: "log", integer: true, step: null };
  const DECAY: Scale = { min: 0, max: 0.1, kind: "linear", integer: false, step: 0.001 };
  const EPOCHS: Scale = { min: 1, max: 1000, kind: "log", integer: true, step: null };

  it("reach both ends exactly, and stay there for values outside", () => {
    for (const scale of [LR, BATCH, DECAY, EPOCHS]) {
      expect(fromStop(scale, 0)).toBe(scale.min);
      expect(fromStop(scale, stops(scale))).toBe(scale.max);
      expect(toStop(scale, scale.max * 10)).toBe(stops(scale));
    }
    expect(toStop(LR, 1e-9)).toBe(0);
  });

  it("never go backwards", () => {
    for (const scale of [LR, BATCH, DECAY, EPOCHS]) {
      const values = Array.from({ length: stops(scale) + 1 }, (_, stop) => fromStop(scale, stop));
      expect(values).toEqual([...values].sort((a, b) => a - b));
    }
  });

  it("spread a log scale evenly over its decades", () => {
    expect(toStop(LR, 1e-3) / stops(LR)).toBeCloseTo(1 / 3, 2);
    expect(fromStop(LR, toStop(LR, 1e-2))).toBeCloseTo(1e-2, 3);
  });

  it("between powers of two move in powers of two", () => {
    const values = Array.from({ length: stops(BATCH) + 1 }, (_, stop) => fromStop(BATCH, stop));
    expect(values).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256]);
  });

  it("give values without the noise of floating point", () => {
    expect(fromStop(DECAY, 3)).toBe(0.003);
    expect(fromStop({ ...DECAY, max: 1, step: 0.1 }, 3)).toBe(0.3);
  });
});

describe("the number field", () => {
  const place = document.createElement("div");
  afterEach(() => render(null, place));

  function show(more: Partial<NumberInputProps> = {}) {
    const onChange = vi.fn();
    const onUnreadable = vi.fn();
    const draw = (props: Partial<NumberInputProps>) =>
      act(() =>
        render(<NumberInput id="n" value={1} onChange={onChange} onUnreadable={onUnreadable} {...props} />, place),
      );
    draw(more);
    const input = place.querySelector("input");
    if (!input) throw new Error("no input");
    return { input, onChange, onUnreadable, draw };
  }

  it("keeps what is typed while it means the value", () => {
    const { input, onChange, draw } = show();
    act(() => type(input, "1e-3"));
    expect(onChange).toHaveBeenLastCalledWith(0.001);
    draw({ value: 0.001 });
    expect(input.value).toBe("1e-3");
    draw({ value: 5 }); // a preset was chosen
    expect(input.value).toBe("5");
  });

  it("tells of text that is no number, and shows it until it is taken back", () => {
    const { input, onChange, onUnreadable, draw } = show();
    act(() => type(input, "1e"));
    expect(onUnreadable).toHaveBeenCalledWith("1e");
    expect(onChange).not.toHaveBeenCalled();
    draw({ unreadable: "1e" });
    expect(input.value).toBe("1e");
    draw({ unreadable: undefined });
    expect(input.value).toBe("1");
  });

  it("may be emptied only where the option is optional", () => {
    const plain = show();
    act(() => type(plain.input, ""));
    expect(plain.onUnreadable).toHaveBeenCalledWith("");
    const optional = show({ optional: true });
    act(() => type(optional.input, ""));
    expect(optional.onChange).toHaveBeenCalledWith(null);
  });

  it("moves by its step with the arrow keys, and stays left to right", () => {
    const { input, onChange } = show({ value: 0.3, step: 0.1 });
    act(
      () => void input.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", cancelable: true, bubbles: true })),
    );
    expect(onChange).toHaveBeenLastCalledWith(0.4);
    expect(input.dir).toBe("ltr");
  });
});
