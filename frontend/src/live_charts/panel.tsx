/** Live curves of one run or several. */

import { useMemo, useState } from "preact/hooks";
import { Charts, ChartTools, View } from "../shared/charts";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import { RunsChooser } from "./runs";
import "./live_charts.css";

export function LiveCharts() {
  const { rpc, store, report } = usePanel();
  const words = useWords();
  const view = useMemo(() => new View(), []);
  const known = [...useValue(store.states).keys()];
  const ready = useValue(store.ready);
  const [chosen, setChosen] = useState<readonly string[] | null>(null);
  // A choice of runs is a wish until its snapshot has come: only what is known can be drawn.
  const shown = chosen?.filter((run) => known.includes(run)) ?? known;

  const choose = (runs: string[]): void => {
    setChosen(runs);
    rpc.request("watch", { runs }).catch(report);
  };
  if (!ready) return <div class="nbt-live-charts" aria-busy="true" />;
  return (
    <div class="nbt-live-charts">
      <div class="nbt-live-charts-bar">
        <ChartTools view={view} />
        <RunsChooser shown={chosen ?? known} onChoose={choose} />
      </div>
      {shown.length > 0 ? (
        <Charts store={store} runs={shown} view={view} />
      ) : (
        <div class="nbt-live-charts-empty">
          <Sketch />
          <h3>{words.t("charts.empty.title")}</h3>
          <p>{words.t("charts.empty.text")}</p>
        </div>
      )}
    </div>
  );
}

/** What will be seen here: a falling curve and its dashed companion. */
function Sketch() {
  return (
    <svg width="160" height="72" viewBox="0 0 160 72" fill="none" stroke-width="2" aria-hidden="true">
      <path d="M8 68.5h144M8 46.5h144M8 24.5h144" stroke="var(--nbt-track)" stroke-width="1" />
      <path d="M8 6c14 34 30 50 58 54s56 3 86 4" stroke="var(--nbt-loss)" />
      <path d="M8 14c16 28 32 38 58 40s50-2 86-8" stroke="var(--nbt-val-loss)" stroke-dasharray="5 4" />
    </svg>
  );
}
