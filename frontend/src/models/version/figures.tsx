/** The metrics of a version, its classes, the options it was trained with, and the fingerprint of its data. */

import { useWords } from "../../shared/i18n";
import { metricName } from "../../shared/metric";
import type { VersionView } from "../wire";

/** Classes that are named; the rest are counted. */
const NAMED = 20;

export function Figures({ version }: { version: VersionView }) {
  const words = useWords();
  const { metrics, labels, options, data } = version;
  const given = Object.entries(options);
  return (
    <>
      {metrics.length > 0 && (
        <dl class="nbt-figures">
          {metrics.map(({ name, value }) => (
            <div key={name}>
              <dt title={name}>
                <bdi>{metricName(words, name)}</bdi>
              </dt>
              <dd class="nbt-number" title={String(value)}>
                {words.figure(value)}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {labels.length > 0 && (
        <p class="nbt-version-line">
          <span class="nbt-soft">{words.t("models.labels", { count: labels.length })}</span>{" "}
          <bdi>{labels.slice(0, NAMED).join(", ")}</bdi>
          {labels.length > NAMED && "…"}
        </p>
      )}
      {data && (
        <p class="nbt-version-line">
          <span class="nbt-soft">{words.t("models.data")}</span>{" "}
          <code dir="ltr" title={data}>
            {data.slice(0, 12)}
          </code>
        </p>
      )}
      {given.length > 0 && (
        <details class="nbt-version-options">
          <summary>{words.t("models.options", { count: given.length })}</summary>
          <dl dir="ltr">
            {given.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}
