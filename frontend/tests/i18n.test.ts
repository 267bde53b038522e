import { describe, expect, it } from "vitest";
import { I18n } from "../src/shared/i18n";

const RUSSIAN = { "runs.one": "{count} запуск", "runs.few": "{count} запуска", "runs.many": "{count} запусков" };
const UNITS = {
  "duration.day": "{value}d",
  "duration.hour": "{value}h",
  "duration.minute": "{value}m",
  "duration.second": "{value}s",
  "bytes.B": "{value} B",
  "bytes.KiB": "{value} KiB",
  "bytes.GiB": "{value} GiB",
};

describe("words", () => {
  it("take their arguments, and leave braces without one as they are", () => {
    const words = new I18n({ hello: "{name}: {step} of {total}" }, "en", "ltr");
    expect(words.t("hello", { name: "r1", step: 1500 })).toBe("r1: 1,500 of {total}");
  });

  it("tell whole numbers to the last digit, and measured ones to six", () => {
    const words = new I18n({ rows: "{count} rows", mean: "{mean}" }, "en", "ltr");
    expect(words.t("rows", { count: 1_333_333 })).toBe("1,333,333 rows");
    expect(words.t("mean", { mean: 1 / 3 })).toBe("0.333333");
  });

  it("do not look into an argument for more braces", () => {
    const words = new I18n({ hello: "{name} {step}" }, "en", "ltr");
    expect(words.t("hello", { name: "{step}", step: 1 })).toBe("{step} 1");
  });

  it("take the plural form of the language", () => {
    const words = new I18n(RUSSIAN, "ru", "ltr");
    expect([1, 2, 5, 21, 112].map((count) => words.t("runs", { count }))).toEqual([
      "1 запуск",
      "2 запуска",
      "5 запусков",
      "21 запуск",
      "112 запусков",
    ]);
  });

  it("fall back on the form for others, then on the plain key", () => {
    const words = new I18n({ "a.other": "{count} others", b: "{count} plain" }, "en", "ltr");
    expect(words.t("a", { count: 1 })).toBe("1 others");
    expect(words.t("b", { count: 1 })).toBe("1 plain");
  });

  it("that are missing show their key", () => {
    expect(new I18n({}, "en", "ltr").t("no.such", { count: 2 })).toBe("no.such");
  });

  it("are the catalogue's own, not what every object has", () => {
    const words = new I18n({}, "en", "ltr");
    expect(words.has("toString")).toBe(false);
    expect(words.t("toString")).toBe("toString");
  });
});

describe("numbers", () => {
  it("have Persian digits in Persian", () => {
    const words = new I18n({ at: "گام {step}" }, "fa", "rtl");
    expect(words.t("at", { step: 1250 })).toBe("گام ۱٬۲۵۰");
    expect(words.percent(0.31)).toBe("۳۱٪");
    expect(words.figure(0.2217)).toBe("۰٫۲۲۱۷");
    expect(words.figure(1.5e-6)).toBe("\u2066۱٫۵×۱۰^\u200e−۶\u2069");
  });

  it("are short figures of four digits", () => {
    const words = new I18n({}, "en", "ltr");
    expect([0.123456, 12.3456, 5321.4, 1.5e-6, 0, 2e9].map((value) => words.figure(value))).toEqual([
      "0.1235",
      "12.35",
      "5,321",
      "1.5E-6",
      "0",
      "2E9",
    ]);
    expect(
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => words.figure(value)),
    ).toEqual(["NaN", "∞", "−∞"]);
  });

  it("on an axis are short in every language", () => {
    expect(new I18n({}, "en", "ltr").scientific(5e-5, 3)).toBe("5E-5");
    expect(new I18n({}, "en", "ltr").scientific(-9.999e-4, 3)).toBe("-1E-3");
    expect(new I18n({}, "fa", "rtl").scientific(2.5e-7, 3)).toBe("۲٫۵E\u200e−۷");
  });

  it("as durations show their two largest units", () => {
    const words = new I18n(UNITS, "en", "ltr");
    expect([0, 0.4, 59, 60, 61, 3600, 3725, 90_061].map((seconds) => words.duration(seconds))).toEqual([
      "0s",
      "0s",
      "59s",
      "1m",
      "1m 1s",
      "1h",
      "1h 2m",
      "1d 1h",
    ]);
  });

  it("as sizes use binary units", () => {
    const words = new I18n(UNITS, "en", "ltr");
    expect([0, 1023, 1024, 1536, 200 * 1024, 3.5 * 2 ** 30].map((size) => words.bytes(size))).toEqual([
      "0 B",
      "1,023 B",
      "1 KiB",
      "1.5 KiB",
      "200 KiB",
      "3.5 GiB",
    ]);
  });

  it("as dates follow the Jalali calendar in Persian", () => {
    const nowruz = Date.UTC(2024, 2, 20, 12) / 1000;
    expect(new I18n({}, "fa", "rtl").date(nowruz)).toContain("۱۴۰۳");
    expect(new I18n({}, "en", "ltr").date(nowruz)).toContain("2024");
  });
});
