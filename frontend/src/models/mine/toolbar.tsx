/** How the models of the workspace are searched, filtered, sorted and shown. */

import { Button } from "../../shared/controls/button";
import { Choice } from "../../shared/controls/choice";
import { useWords } from "../../shared/i18n";
import { useUid } from "../../shared/uid";
import { Search } from "../search";
import { STAGES } from "../stage";
import { Tools } from "../tools";
import type { Found } from "../use_models";

export type View = "list" | "cards";

const SORTS = ["updated", "created", "name", "parameters", "bytes", "metric", "stage"] as const;

export interface ToolbarProps {
  found: Found;
  view: View;
  onView(view: View): void;
}

export function Toolbar({ found, view, onView }: ToolbarProps) {
  const words = useWords();
  const id = useUid();
  const { query, setQuery, pages } = found;
  const { categories = [], tags = [] } = pages.newest ?? {};
  const other: View = view === "list" ? "cards" : "list";
  const pick = (name: "category" | "tag", all: readonly string[]) =>
    (all.length > 0 || query[name] !== "") && (
      <Choice
        id={`${id}-${name}`}
        label={words.t(`models.filter.${name}`)}
        value={query[name]}
        options={[
          { value: "", label: words.t(`models.filter.${name}.any`) },
          ...withChosen(all, query[name]).map((value) => ({ value, label: value })),
        ]}
        onChange={(value) => setQuery({ [name]: value })}
      />
    );
  return (
    <Tools
      on={[query.stage, query.category, query.tag].filter(Boolean).length}
      search={
        <Search
          label={words.t("models.search")}
          value={query.search}
          onChange={(search) => setQuery({ search })}
          onEnter={() => {}}
        />
      }
    >
      <Choice
        id={`${id}-stage`}
        label={words.t("models.filter.stage")}
        value={query.stage}
        options={[
          { value: "", label: words.t("models.filter.stage.any") },
          ...STAGES.map((value) => ({ value, label: words.t(`stage.${value}`) })),
        ]}
        onChange={(stage) => setQuery({ stage })}
      />
      {pick("category", categories)}
      {pick("tag", tags)}
      <Choice
        id={`${id}-sort`}
        label={words.t("models.sort")}
        value={query.sort}
        options={SORTS.map((value) => ({ value, label: words.t(`models.sort.${value}`) }))}
        onChange={(sort) => setQuery({ sort, descending: sort !== "name" })}
      />
      <Button
        icon={query.descending ? "arrow_down" : "arrow_up"}
        iconOnly
        quiet
        label={words.t(query.descending ? "models.sort.descending" : "models.sort.ascending")}
        onClick={() => setQuery({ descending: !query.descending })}
      />
      <Button
        icon={other === "list" ? "list" : "columns"}
        iconOnly
        quiet
        label={words.t(`models.view.${other}`)}
        onClick={() => onView(other)}
      />
    </Tools>
  );
}

/** What is chosen stands among the choices, also when the last model of it has gone. */
function withChosen(all: readonly string[], chosen: string): readonly string[] {
  return chosen === "" || all.includes(chosen) ? all : [chosen, ...all];
}
