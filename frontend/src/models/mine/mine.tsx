/** *My models*: the list of the workspace's models, and beside it the one that was chosen. */

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { errorText } from "../../shared/panel";
import type { Say } from "../../shared/work/toast";
import { useRemembered } from "../remembered";
import { Split } from "../split";
import type { Found } from "../use_models";
import { Virtual } from "../virtual";
import { Card } from "./card";
import { Detail } from "./detail";
import { Row } from "./row";
import { Toolbar, type View } from "./toolbar";
import "./mine.css";

const ROW = 28;
const CARD = 132;
const CARD_WIDTH = 232;

export interface MineProps {
  found: Found;
  /** The model that is open. */
  chosen: string | null;
  say: Say;
  onChoose(model: string | null): void;
}

export function Mine({ found, chosen, say, onChoose }: MineProps) {
  const words = useWords();
  const { pages, query } = found;
  const [view, setView] = useRemembered<View>("models-view", ["list", "cards"], "list");
  const [byKey, setByKey] = useState(false);
  const total = pages.newest?.total ?? 0;
  const place = chosen === null ? undefined : pages.find(chosen);
  const open = (index: number, key: boolean): void => {
    const row = pages.at(index);
    if (!row) return;
    setByKey(key);
    onChoose(row.id);
  };
  // Another question is another list.
  const asked = JSON.stringify([query.stage, query.category, query.tag, query.sort, query.descending, query.search]);
  useEffect(() => setByKey(false), [asked]);

  const list = (
    <>
      <Toolbar found={found} view={view} onView={setView} />
      {pages.failure !== null && (
        <p class="nbt-models-none" role="alert" dir="auto">
          {errorText(pages.failure, words)}{" "}
          <Button icon="reset" label={words.t("button.retry")} onClick={() => pages.refresh()} />
        </p>
      )}
      {pages.failure === null && total === 0 && <p class="nbt-models-none nbt-soft">{words.t("models.none_found")}</p>}
      {total > 0 && (
        <Virtual
          count={total}
          label={words.t("models.mine")}
          height={view === "list" ? ROW : CARD}
          {...(view === "cards" ? { cardWidth: CARD_WIDTH } : {})}
          open={place?.index ?? -1}
          key_={`${asked}${view}`}
          onOpen={open}
          onWant={(first, last) => pages.want(first, last)}
          render={(index) => {
            const row = pages.at(index);
            if (!row) return <span class="nbt-model-row nbt-model-waits" />;
            return view === "list" ? <Row row={row} /> : <Card row={row} />;
          }}
        />
      )}
      <p class="nbt-models-foot nbt-soft" role="status">
        {found.filtered
          ? words.t("models.found", { count: total, all: pages.newest?.count ?? 0 })
          : words.t("models.count", { count: total })}
      </p>
    </>
  );
  return (
    <Split
      list={list}
      open={chosen !== null}
      focus={byKey}
      label={place?.row.name ?? words.t("models.detail")}
      onClose={() => onChoose(null)}
    >
      {chosen !== null && (
        <Detail
          key={chosen}
          model={chosen}
          categories={pages.newest?.categories ?? []}
          say={say}
          onChanged={() => pages.refresh()}
          onGone={() => {
            onChoose(null);
            pages.refresh();
          }}
          onBack={onChoose}
        />
      )}
    </Split>
  );
}
