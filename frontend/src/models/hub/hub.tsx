/** *Hugging Face*: a search that goes on as one scrolls, and beside it the model that was chosen. */

import { useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { Icon } from "../../shared/icons";
import { errorText } from "../../shared/panel";
import type { Say } from "../../shared/work/toast";
import type { Downloads } from "../queue/use_downloads";
import { Split } from "../split";
import { Virtual } from "../virtual";
import { Detail } from "./detail";
import { Filters } from "./filters";
import { Row } from "./row";
import type { HubSearch } from "./use_search";
import "./hub.css";

const ROW = 48;
/** More is asked for when so many rows are left. */
const AHEAD = 12;

export interface HubProps {
  search: HubSearch;
  downloads: Downloads;
  chosen: string | null;
  say: Say;
  onChoose(repository: string | null): void;
  /** A model of the workspace is to be seen. */
  onShow(model: string): void;
}

export function Hub({ search, downloads, chosen, say, onChoose, onShow }: HubProps) {
  const words = useWords();
  const [byKey, setByKey] = useState(false);
  const { rows, failure } = search;
  const open = (index: number, key: boolean): void => {
    const row = rows[index];
    if (!row) return;
    setByKey(key);
    onChoose(row.id);
  };
  const list = (
    <>
      <Filters search={search} />
      {search.note && (
        <p class="nbt-hub-note" role="status">
          <Icon name="plug" size={14} />
          <span dir="auto">{search.note}</span>
        </p>
      )}
      {failure !== null && (
        <div class="nbt-models-none" role="alert">
          <p dir="auto">{errorText(failure, words)}</p>
          <Button
            icon="reset"
            label={words.t("button.retry")}
            onClick={rows.length > 0 ? search.askMore : search.now}
          />
        </div>
      )}
      {rows.length > 0 && (
        <Virtual
          count={rows.length}
          label={words.t("hub.results")}
          height={ROW}
          open={rows.findIndex(({ id }) => id === chosen)}
          key_={String(search.round)}
          onOpen={open}
          onWant={(_, last) => {
            if (search.more && last > rows.length - AHEAD) search.askMore();
          }}
          render={(index) => {
            const row = rows[index];
            return row && <Row row={row} here={row.cached || downloads.here.has(row.id)} />;
          }}
        />
      )}
      {failure === null && rows.length === 0 && search.answered && !search.busy && (
        <p class="nbt-models-none nbt-soft">{words.t("hub.none_found")}</p>
      )}
      <p class="nbt-models-foot nbt-soft" role="status">
        {search.busy
          ? words.t("hub.searching")
          : rows.length > 0 && words.t(search.more ? "hub.found.more" : "hub.found", { count: rows.length })}
      </p>
    </>
  );
  return (
    <Split list={list} open={chosen !== null} focus={byKey} label={chosen ?? ""} onClose={() => onChoose(null)}>
      {chosen !== null && <Detail key={chosen} repository={chosen} downloads={downloads} say={say} onShow={onShow} />}
    </Split>
  );
}
