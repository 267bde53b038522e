/** How the charts are looked at: smoothing, logarithmic axis, back to the whole run. */

import { Button } from "../controls/button";
import { Slider } from "../controls/slider";
import { Switch } from "../controls/switch";
import { useWords } from "../i18n";
import { useValue } from "../signal";
import { useUid } from "../uid";
import type { View } from "./view";

const SMOOTHING = { min: 0, max: 0.99, kind: "linear", integer: false, step: 0.01 } as const;

export function ChartTools({ view }: { view: View }) {
  const words = useWords();
  const smoothing = useValue(view.smoothing);
  const log = useValue(view.log);
  const zoomed = useValue(view.zoom) !== null;
  const id = useUid();
  const text = words.number(smoothing, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return (
    <div class="nbt-chart-tools">
      <span class="nbt-chart-smoothing" title={words.t("charts.smoothing.help")}>
        <span>{words.t("charts.smoothing")}</span>
        <Slider
          scale={SMOOTHING}
          value={smoothing}
          label={words.t("charts.smoothing")}
          text={text}
          onChange={(value) => view.smoothing.set(value)}
        />
        <span class="nbt-number">{text}</span>
      </span>
      <label class="nbt-chart-switch" for={id} title={words.t("charts.log.help")}>
        <Switch id={id} value={log} onChange={(value) => view.log.set(value)} />
        <span>{words.t("charts.log")}</span>
      </label>
      <Button icon="reset" label={words.t("charts.reset")} quiet disabled={!zoomed} onClick={() => view.reset()} />
    </div>
  );
}
