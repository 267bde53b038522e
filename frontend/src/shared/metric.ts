/** Metrics in words. */

import type { I18n } from "./i18n";

/** What is measured on rows held out is called so. */
const HELD_OUT = /^val_/;

/** The metric's words, or its own name where nobody translated it. */
export function metricLabel(words: I18n, name: string): string {
  const key = `charts.metric.${name}`;
  return words.has(key) ? words.t(key) : name;
}

/** The same for a name of its own: of `val_accuracy` it says that it is of the validation. */
export function metricName(words: I18n, name: string): string {
  const base = name.replace(HELD_OUT, "");
  if (base === name || metricLabel(words, base) === base) return metricLabel(words, name);
  return `${metricLabel(words, base)} (${words.t("charts.validation").toLocaleLowerCase(words.language)})`;
}
