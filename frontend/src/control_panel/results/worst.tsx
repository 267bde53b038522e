/** The rows on which a run errs most, as they came. */

import { type I18n, useWords } from "../../shared/i18n";
import type { WorstView } from "../../shared/wire";
import { Picture } from "../picture";

export interface WorstRowsProps {
  worst: readonly WorstView[];
  /** What they are put in order by. */
  measure: string;
  /** Of the image of each; empty where there is none. */
  urls: readonly string[];
}

export function WorstRows({ worst, measure, urls }: WorstRowsProps) {
  const words = useWords();
  return (
    <div class="nbt-worst">
      <h4>{words.t("results.worst")}</h4>
      <ol>
        {worst.map((each, place) => (
          <li key={each.row}>
            <Worst worst={each} measure={measure} url={urls[place] ?? ""} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Worst({ worst, measure, url }: { worst: WorstView; measure: string; url: string }) {
  const words = useWords();
  const { row, truth, predicted, text, cells } = worst;
  const title = words.t("results.row", { row: words.integer(row) });
  return (
    <>
      {url && <Picture url={url} title={title} label={words.t("results.enlarge", { row: words.integer(row) })} />}
      <div class="nbt-worst-told">
        <p class="nbt-worst-head">
          <strong class="nbt-number">{title}</strong>{" "}
          <span class="nbt-soft">
            {words.t(`results.measure.${measure}`)}{" "}
            <span class="nbt-number">{worst.measure === null ? "–" : words.figure(worst.measure)}</span>
          </span>
        </p>
        {(truth || predicted) && (
          <dl>
            <div>
              <dt>{words.t("results.truth")}</dt>
              <dd>
                <bdi>{truth || words.t("results.empty")}</bdi>
              </dd>
            </div>
            <div>
              <dt>{words.t("results.predicted")}</dt>
              <dd>
                <bdi>{predicted || words.t("results.empty")}</bdi>
                {sure(worst, words)}
              </dd>
            </div>
          </dl>
        )}
        {text && (
          <p class="nbt-worst-text" dir="auto">
            {text}
          </p>
        )}
        {cells.length > 0 && (
          <dl class="nbt-worst-cells">
            {cells.map(([name, cell], place) => (
              <div key={`${place} ${name}`}>
                <dt>
                  <bdi>{name}</bdi>
                </dt>
                <dd>
                  <bdi>{cell || "–"}</bdi>
                </dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </>
  );
}

function sure({ chance }: WorstView, words: I18n) {
  return chance === null ? null : <span class="nbt-soft"> ({words.percent(chance)})</span>;
}
