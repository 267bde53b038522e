/** Figures of models as they are said in a line: short, with the exact value for who points at them. */

import type { I18n } from "../shared/i18n";
import { metricName } from "../shared/metric";
import type { MetricView } from "./wire";

/** Seconds of each unit of time, the largest first. */
const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const SHORTEST_FIGURE: Intl.NumberFormatOptions = { notation: "compact", maximumSignificantDigits: 3 };

/** `66M`, `1.24B`. */
export function short(count: number, words: I18n): string {
  return words.number(count, SHORTEST_FIGURE);
}

/** `66M parameters`, or nothing where nobody knows. */
export function parameters(count: number | null, words: I18n): string {
  return count === null ? "" : words.t("models.parameters", { size: short(count, words) });
}

/** `3 days ago`. */
export function ago(seconds: number, words: I18n, now = Date.now() / 1000): string {
  const past = now - seconds;
  const unit = UNITS.find(([, size]) => Math.abs(past) >= size);
  if (!unit) return words.t("models.just_now");
  const format = new Intl.RelativeTimeFormat(words.language, { numeric: "auto", style: "short" });
  return format.format(-Math.round(past / unit[1]), unit[0]);
}

/** `Accuracy (validation) 0.9312`. */
export function metricText({ name, value }: MetricView, words: I18n): string {
  return `${metricName(words, name)} ${words.figure(value)}`;
}

/** Where a model came from, in a sentence; what it names is kept apart from the language around it. */
export function sourceText(from: { source: string; source_args: Record<string, string> }, words: I18n): string {
  const args = Object.fromEntries(Object.entries(from.source_args).map(([name, text]) => [name, isolated(text)]));
  return words.t(`model_source.${from.source}`, args).replaceAll(/\{\w+\}/g, "…"); // not all is known of older ones
}

/** A name within a sentence of another direction. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}

/** The word for what a model is for, as far as there is one. */
export function taskText(task: string, words: I18n): string {
  const key = `hub.task.${task.replaceAll("-", "_")}`;
  return words.has(key) ? words.t(key) : task;
}

/** What of these facts is known, in one line. */
export function joined(...facts: (string | false | null | undefined)[]): string {
  return facts.filter(Boolean).join(" · ");
}
