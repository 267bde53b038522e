/** Figures of each class, each kind of entity, each point. */

import { useWords } from "../../shared/i18n";
import { metricLabel } from "../../shared/metric";
import type { GroupView } from "../../shared/wire";

export function Groups({ groups, all }: { groups: readonly GroupView[]; all: number }) {
  const words = useWords();
  const names = [...new Set(groups.flatMap(({ figures }) => Object.keys(figures)))];
  const shown = { shown: words.integer(groups.length), all: words.integer(all) };
  return (
    <details class="nbt-results-table">
      <summary>{words.t("results.groups")}</summary>
      {all > groups.length && <p class="nbt-soft">{words.t("results.groups.worst", shown)}</p>}
      <div class="nbt-results-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{words.t("results.group.name")}</th>
              <th scope="col" class="nbt-results-end">
                {words.t("results.count")}
              </th>
              {names.map((name) => (
                <th key={name} scope="col" class="nbt-results-end">
                  <bdi>{metricLabel(words, name)}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.map(({ name, rows, figures }, place) => (
              <tr key={`${place} ${name}`}>
                <th scope="row" title={name}>
                  <bdi>{name}</bdi>
                </th>
                <td class="nbt-number nbt-results-end">{words.integer(rows)}</td>
                {names.map((each) => {
                  const value = figures[each] ?? null;
                  return (
                    <td key={each} class="nbt-number nbt-results-end">
                      {value === null ? "–" : words.figure(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
