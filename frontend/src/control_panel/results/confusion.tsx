/** What was taken for what: a table where it can be read, the pairs most often confused where there are too many. */

import { useWords } from "../../shared/i18n";
import { useUid } from "../../shared/uid";
import type { PairView } from "../../shared/wire";

/** So many classes leave room for a share beside each count. */
const ROOMY = 6;
/** Of the colour in a cell that holds all rows of its class, in per cent: words on it must stay readable. */
const DEEPEST = 55;

export function Confusion({ classes, matrix }: { classes: readonly string[]; matrix: readonly number[][] }) {
  const words = useWords();
  const id = useUid();
  return (
    <div class="nbt-confusion">
      <h4 id={id}>{words.t("results.confusion")}</h4>
      <p class="nbt-soft">{words.t("results.confusion.help")}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section class="nbt-results-scroll" aria-labelledby={id} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <td class="nbt-confusion-corner">
                <span>{words.t("results.truth")} ↓</span> <span>{words.t("results.predicted")}</span>
              </td>
              {classes.map((name, column) => (
                <th key={`${column} ${name}`} scope="col" title={name}>
                  <bdi>{name}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.map((counts, row) => (
              <Line key={`${row} ${classes[row]}`} classes={classes} counts={counts} row={row} />
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function Line({ classes, counts, row }: { classes: readonly string[]; counts: readonly number[]; row: number }) {
  const words = useWords();
  const all = counts.reduce((sum, count) => sum + count, 0);
  const truth = classes[row] ?? "";
  return (
    <tr>
      <th scope="row" title={truth}>
        <bdi>{truth}</bdi>
      </th>
      {counts.map((count, column) => {
        const share = all === 0 ? 0 : count / all;
        const args = {
          truth,
          predicted: classes[column] ?? "",
          count: words.integer(count),
          share: words.percent(share),
        };
        return (
          <td
            key={`${column} ${classes[column]}`}
            class="nbt-number"
            data-right={row === column || undefined}
            data-none={count === 0 || undefined}
            style={{ "--nbt-heat": `${Math.round(share * DEEPEST)}%` }}
            title={words.t(row === column ? "results.cell.right" : "results.cell", args)}
          >
            {words.integer(count)}
            {classes.length <= ROOMY && count > 0 && <span class="nbt-confusion-share">{words.percent(share)}</span>}
          </td>
        );
      })}
    </tr>
  );
}

export function Pairs({ pairs }: { pairs: readonly PairView[] }) {
  const words = useWords();
  if (pairs.length === 0) return <p>{words.t("results.pairs.none")}</p>;
  return (
    <div class="nbt-results-table">
      <h4>{words.t("results.pairs")}</h4>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.t("results.truth")}</th>
            <th scope="col">{words.t("results.predicted")}</th>
            <th scope="col" class="nbt-results-end">
              {words.t("results.count")}
            </th>
          </tr>
        </thead>
        <tbody>
          {pairs.map(({ truth, predicted, count, of }) => (
            <tr key={`${truth}\n${predicted}`}>
              <th scope="row">
                <bdi>{truth}</bdi>
              </th>
              <td>
                <bdi>{predicted}</bdi>
              </td>
              <td class="nbt-number nbt-results-end">
                {words.integer(count)} ({words.percent(of === 0 ? 0 : count / of)})
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
