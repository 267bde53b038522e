/** Words and numbers in the panel's language. The words themselves come from Python. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

export type Args = Record<string, string | number>;

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export class I18n {
  readonly #formats = new Map<string, Intl.NumberFormat>();
  readonly #plurals: Intl.PluralRules;

  constructor(
    readonly words: Readonly<Record<string, string>>,
    readonly language: string,
    readonly direction: "ltr" | "rtl",
  ) {
    this.#plurals = new Intl.PluralRules(language);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.words, key);
  }

  /**
   * The words of `key` with `{name}` replaced by `args.name`; numbers are written in the panel's
   * language. With an argument `count` the plural form `key.one`, `key.few`, … is taken where there is one.
   * A key without words comes back as it is: wrong to look at, and not lost.
   */
  t(key: string, args: Args = {}): string {
    const template = this.#template(key, args);
    return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(args, name) ? args[name] : undefined;
      if (value === undefined) return whole;
      if (typeof value !== "number") return value;
      return Number.isInteger(value) ? this.integer(value) : this.number(value); // counts are told to the last digit
    });
  }

  #template(key: string, args: Args): string {
    if (typeof args.count === "number") {
      const form = this.#word(`${key}.${this.#plurals.select(args.count)}`) ?? this.#word(`${key}.other`);
      if (form !== undefined) return form;
    }
    return this.#word(key) ?? key;
  }

  #word(key: string): string | undefined {
    return this.has(key) ? this.words[key] : undefined;
  }

  number(value: number, options: Intl.NumberFormatOptions = { maximumSignificantDigits: 6 }): string {
    return this.#format(options).format(value);
  }

  /** A whole number, grouped: `1,250`. */
  integer(value: number): string {
    return this.number(value, { maximumFractionDigits: 0 });
  }

  /** A measured figure in four digits: `0.1234`, `1.5E-5`. */
  figure(value: number): string {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
      const formula = this.number(value, { notation: "scientific", maximumSignificantDigits: 4 });
      return this.direction === "rtl" ? `\u2066${formula}\u2069` : formula; // formulas read left to right everywhere
    }
    if (size >= 1000) return this.number(value, { maximumFractionDigits: 0 });
    return this.number(value, { maximumSignificantDigits: 4 });
  }

  /** `5E-5` in the language's digits, for places as narrow as an axis: some languages write `5×10^−5` in a sentence. */
  scientific(value: number, digits: number): string {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${this.number(Number(mantissa))}E${this.number(Number(exponent))}`;
  }

  /** A share of 0–1 as per cent. */
  percent(share: number, digits = 0): string {
    return this.number(share, { style: "percent", maximumFractionDigits: digits, minimumFractionDigits: digits });
  }

  /**
   * Seconds in their two largest units: `1h 5m`, `12s`. The units' words are `duration.hour` and so on with
   * `{value}`: browsers leave the narrow units of smaller languages out of their data.
   */
  duration(seconds: number): string {
    let rest = Math.max(0, Math.round(seconds));
    const at = DURATION_UNITS.findIndex(([, size]) => rest >= size);
    const parts: string[] = [];
    for (const [unit, size] of at < 0 ? DURATION_UNITS.slice(-1) : DURATION_UNITS.slice(at, at + 2)) {
      const count = Math.floor(rest / size);
      rest -= count * size;
      if (count > 0 || parts.length === 0) {
        parts.push(this.t(`duration.${unit}`, { value: this.integer(count) }));
      }
    }
    return parts.join(" ");
  }

  /** A size in binary units: `1.5 GiB`. The unit's words are `bytes.GiB` with `{value}`. */
  bytes(size: number): string {
    const exponent = size >= 1024 ? Math.min(Math.floor(Math.log2(size) / 10), BYTE_UNITS.length - 1) : 0;
    const value = size / 1024 ** exponent;
    const digits = exponent === 0 || value >= 100 ? 0 : 1;
    return this.t(`bytes.${BYTE_UNITS[exponent]}`, { value: this.number(value, { maximumFractionDigits: digits }) });
  }

  /** A moment in seconds since 1970 (in Persian by the Jalali calendar). */
  date(seconds: number): string {
    const format = new Intl.DateTimeFormat(this.language, { dateStyle: "medium", timeStyle: "short" });
    return format.format(seconds * 1000);
  }

  #format(options: Intl.NumberFormatOptions): Intl.NumberFormat {
    const key = JSON.stringify(options);
    const known = this.#formats.get(key);
    if (known) return known;
    const made = new Intl.NumberFormat(this.language, options);
    this.#formats.set(key, made);
    return made;
  }
}

export const I18nContext = createContext(new I18n({}, "en", "ltr"));

/** The words of the panel this component is in; it is drawn anew when the language changes. */
export function useWords(): I18n {
  return useContext(I18nContext);
}
