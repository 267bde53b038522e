/** Figures that say whether a run is well, each with the range it should be in. */

import { useWords } from "../shared/i18n";
import type { SignView } from "../shared/wire";
import "./signs.css";

export function Signs({ signs }: { signs: readonly SignView[] }) {
  const words = useWords();
  if (signs.length === 0) return null;
  return (
    <ul class="nbt-signs" aria-label={words.t("signs.title")}>
      {signs.map(({ name, value, low, high, health }) => {
        const key = `charts.metric.${name}`;
        const range = { low: words.figure(low), high: words.figure(high) };
        return (
          <li key={name} data-health={health}>
            <span class="nbt-sign-dot" aria-hidden="true" />
            <span class="nbt-sign-word">{words.t(`signs.${health}`)}</span>
            <bdi>{words.has(key) ? words.t(key) : name}</bdi>
            <span class="nbt-number">{value === null ? "NaN" : words.figure(value)}</span>
            <span class="nbt-soft">{words.t("signs.range", range)}</span>
          </li>
        );
      })}
    </ul>
  );
}
