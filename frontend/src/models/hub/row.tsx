/** A model of the Hub in the list of what was found. */

import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { ago, joined, parameters, short, taskText } from "../format";
import type { HubRow } from "../wire";

export function Row({ row, here }: { row: HubRow; here: boolean }) {
  const words = useWords();
  return (
    <div class="nbt-hub-row">
      <span class="nbt-hub-id" dir="ltr" title={row.id}>
        {row.id}
      </span>
      <span class="nbt-hub-marks">
        {here && (
          <span class="nbt-hub-here" title={words.t("hub.here.help")}>
            <Icon name="check" size={14} /> {words.t("hub.here")}
          </span>
        )}
        {row.gated !== "" && <Gated gated={row.gated} />}
      </span>
      <span class="nbt-hub-line nbt-soft nbt-number">
        {joined(
          row.task && taskText(row.task, words),
          parameters(row.parameters, words),
          row.licence && `\u2068${row.licence}\u2069`,
          row.updated !== null && ago(row.updated, words),
        )}
      </span>
      <span class="nbt-hub-counts nbt-soft nbt-number">
        {row.downloads !== null && (
          <span title={words.t("hub.downloads", { count: row.downloads })}>
            <Icon name="download" size={14} /> {short(row.downloads, words)}
          </span>
        )}
        {row.likes !== null && (
          <span title={words.t("hub.likes", { count: row.likes })}>
            <Icon name="heart" size={14} /> {short(row.likes, words)}
          </span>
        )}
      </span>
    </div>
  );
}

/** Whoever wants it must ask on the Hub first. */
export function Gated({ gated }: { gated: string }) {
  const words = useWords();
  return (
    <span class="nbt-hub-gated" title={words.t(`hub.gated.${gated === "manual" ? "manual" : "auto"}`)}>
      <Icon name="lock" size={14} /> {words.t("hub.gated")}
    </span>
  );
}
