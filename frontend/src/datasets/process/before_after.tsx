/** What a step does, shown on a few of the user's own rows. */

import { useEffect, useRef, useState } from "preact/hooks";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText, usePanel } from "../../shared/panel";
import type { BeforeAfter, Cells } from "../wire";

/** Long enough not to ask for every digit that is typed. */
const ASK_AFTER_MS = 300;

export interface BeforeAfterProps {
  dataset: string;
  steps: readonly Record<string, unknown>[];
  index: number;
}

type Answer = { shown: BeforeAfter } | { error: unknown };

export function BeforeAfterTable({ dataset, steps, index }: BeforeAfterProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [waiting, setWaiting] = useState(true);
  const newest = useRef(0);
  const key = JSON.stringify({ dataset, steps: steps.slice(0, index + 1), index });
  useEffect(() => {
    const mine = ++newest.current;
    setWaiting(true);
    const take = (found: Answer): void => {
      if (mine !== newest.current) return;
      setAnswer(found);
      setWaiting(false);
    };
    const timer = setTimeout(() => {
      rpc.request<BeforeAfter>("before_after", JSON.parse(key)).then(
        (shown) => take({ shown }),
        (error: unknown) => take({ error }),
      );
    }, ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [rpc, key]);
  const name = String(steps[index]?.step ?? "");
  return (
    <section class="nbt-before-after" aria-label={words.t("datasets.process.trial")} aria-busy={waiting}>
      <h3>{words.t("datasets.process.trial.of", { step: words.t(`step.${name}`) })}</h3>
      {answer === null && (
        <p class="nbt-soft" role="status">
          <Icon name="hourglass" /> {words.t("datasets.loading")}
        </p>
      )}
      {answer && "error" in answer && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {errorText(answer.error, words)}
        </p>
      )}
      {answer && "shown" in answer && <Both shown={answer.shown} />}
    </section>
  );
}

function Both({ shown }: { shown: BeforeAfter }) {
  const words = useWords();
  const { before, after, dropped } = shown;
  const changed = changedColumns(before, after);
  return (
    <>
      {(["before", "after"] as const).map((side) => (
        <div key={side} class="nbt-table-scroll">
          <table class="nbt-facts-table nbt-trial">
            <caption>{words.t(`datasets.process.${side}`)}</caption>
            <thead>
              <tr>
                {shown[side].columns.map((column) => (
                  <th key={column} scope="col" class={changed.has(column) ? "nbt-changed" : undefined}>
                    <bdi>{column}</bdi>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown[side].rows.map((row, place) => (
                <tr key={place}>
                  {row.map((cell, column) => (
                    <td
                      key={column}
                      dir="auto"
                      class={cell === null ? "nbt-cell-missing" : undefined}
                      title={cell ?? undefined}
                    >
                      {cell ?? words.t("datasets.missing_value")}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
      {dropped > 0 && <p class="nbt-soft">{words.t("datasets.process.dropped", { count: dropped })}</p>}
      {changed.size === 0 && dropped === 0 && <p class="nbt-soft">{words.t("datasets.process.unchanged")}</p>}
    </>
  );
}

/** Columns that are new, or hold other cells than before. */
export function changedColumns(before: Cells, after: Cells): Set<string> {
  const column = ({ columns, rows }: Cells, name: string): string => {
    const at = columns.indexOf(name);
    return at < 0 ? "" : JSON.stringify(rows.map((row) => row[at]));
  };
  return new Set(after.columns.filter((name) => column(before, name) !== column(after, name)));
}
