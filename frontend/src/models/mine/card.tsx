/** A model as a card. */

import { useWords } from "../../shared/i18n";
import { ago, joined, metricText, parameters, taskText } from "../format";
import { StageBadge } from "../stage";
import type { ModelRow } from "../wire";

export function Card({ row }: { row: ModelRow }) {
  const words = useWords();
  return (
    <div class="nbt-model-card">
      <p class="nbt-model-card-head">
        <span class="nbt-model-name" title={row.name}>
          <bdi>{row.name}</bdi>
        </span>
        {row.stage !== "none" && <StageBadge stage={row.stage} />}
      </p>
      <p class="nbt-soft nbt-model-line">
        {joined(`\u2068${row.architecture}\u2069`, row.task && taskText(row.task, words))}
      </p>
      <p class="nbt-soft nbt-model-line nbt-number">
        {joined(
          parameters(row.parameters, words),
          words.bytes(row.bytes),
          words.t("models.versions", { count: row.versions }),
        )}
      </p>
      <p class="nbt-model-line nbt-number">{row.metric ? metricText(row.metric, words) : ""}</p>
      <p class="nbt-model-card-foot">
        <span class="nbt-model-tags">
          {row.tags.slice(0, 3).map((tag) => (
            <bdi key={tag} class="nbt-chip">
              {tag}
            </bdi>
          ))}
        </span>
        <span class="nbt-soft nbt-number" title={words.date(row.updated)}>
          {ago(row.updated, words)}
        </span>
      </p>
    </div>
  );
}
