/** All charts of one or several runs, in a grid. */

import { useEffect, useMemo, useReducer } from "preact/hooks";
import { useWords } from "../i18n";
import { usePanel } from "../panel";
import { useValue } from "../signal";
import type { Store } from "../store";
import { Book, type ShownRun } from "./book";
import { Chart } from "./chart";
import { fewGroups, type Group } from "./groups";
import { ChartTools } from "./tools";
import { View } from "./view";
import "./charts.css";

export interface ChartsProps {
  store: Store;
  /** Ids of the runs to lay over one another, first at the bottom. */
  runs: readonly string[];
  /** Four small charts in two columns, for a panel that has other things to show. */
  compact?: boolean;
  /** Zoom, smoothing and axis, where the panel wants to hold them; else the charts hold their own. */
  view?: View;
}

export function Charts({ store, runs, compact = false, view: given }: ChartsProps) {
  const words = useWords();
  const { rpc, report } = usePanel();
  const own = useMemo(() => new View(), []);
  const view = given ?? own;
  const book = useMemo(() => {
    const arrived = (): void => view.detail.set(view.detail.get() + 1);
    return new Book(store, rpc, { arrived, failed: report });
  }, [store, rpc, report, view]);
  useEffect(() => () => book.close(), [book]);
  const states = useValue(store.states);
  const shown = runs.map((run): ShownRun => {
    const state = states.get(run);
    return { run, name: state?.name ?? run, colour: state?.colour ?? 0 };
  });
  const groups = useGroups(book, store, shown);
  if (groups.length === 0) return <p class="nbt-chart-waiting">{words.t("charts.waiting")}</p>;
  return (
    <div class={compact ? "nbt-charts nbt-charts-compact" : "nbt-charts"}>
      {!given && <ChartTools view={view} />}
      <div class="nbt-charts-grid">
        {(compact ? fewGroups(groups) : groups).map((group) => (
          <Chart key={group.name} book={book} group={group} runs={shown} view={view} />
        ))}
      </div>
    </div>
  );
}

/** The metrics there are; drawn anew only when one more appears, not with every point. */
function useGroups(book: Book, store: Store, runs: readonly ShownRun[]): Group[] {
  const [, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);
  const key = runs.map(({ run }) => run).join("\n");
  useEffect(() => {
    const names = (): string => runs.map(({ run }) => store.names(run).join("\t")).join("\n");
    let known = names();
    return store.version.subscribe(() => {
      const now = names();
      if (now === known) return;
      known = now;
      redraw(undefined);
    });
  }, [store, key]);
  return book.groups(runs);
}
