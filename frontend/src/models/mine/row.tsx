/** A model as one line of the list: what does not fit into a narrow one is left out from the end. */

import { useWords } from "../../shared/i18n";
import { metricName } from "../../shared/metric";
import { ago, metricText, short, sourceText } from "../format";
import { StageBadge } from "../stage";
import type { ModelRow } from "../wire";

export function Row({ row }: { row: ModelRow }) {
  const words = useWords();
  const said = [row.name, row.architecture, sourceText(row, words), words.date(row.updated)];
  return (
    <div class="nbt-model-row" title={said.filter(Boolean).join("\n")}>
      <span class="nbt-model-name">
        <bdi>{row.name}</bdi>
      </span>
      <span class="nbt-model-architecture nbt-soft" dir="ltr">
        {row.architecture}
      </span>
      <span class="nbt-model-tags">
        {row.tags.slice(0, 3).map((tag) => (
          <bdi key={tag} class="nbt-chip">
            {tag}
          </bdi>
        ))}
      </span>
      <span class="nbt-model-parameters nbt-number">{row.parameters === null ? "" : short(row.parameters, words)}</span>
      <span class="nbt-model-size nbt-number">{words.bytes(row.bytes)}</span>
      {row.metric ? (
        <span class="nbt-model-metric nbt-number" title={metricText(row.metric, words)}>
          <span class="nbt-soft">{metricName(words, row.metric.name)}</span>
          <span>{words.figure(row.metric.value)}</span>
        </span>
      ) : (
        <span class="nbt-model-metric" />
      )}
      <span class="nbt-model-stage">{row.stage !== "none" && <StageBadge stage={row.stage} />}</span>
      <span class="nbt-model-when nbt-number nbt-soft">{ago(row.updated, words)}</span>
    </div>
  );
}
