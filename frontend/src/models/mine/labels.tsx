/** The tags and the category of a model, changed in their place. */

import { useRef, useState } from "preact/hooks";
import { Button } from "../../shared/controls/button";
import { useWords } from "../../shared/i18n";
import { errorText, usePanel } from "../../shared/panel";
import { useUid } from "../../shared/uid";
import { onEnter } from "../../shared/work/enter";
import type { Say } from "../../shared/work/toast";
import { isolated } from "../format";
import type { ModelRow } from "../wire";

export interface LabelsProps {
  row: ModelRow;
  categories: readonly string[];
  say: Say;
  onChanged(): Promise<void>;
}

export function Labels({ row, categories, say, onChanged }: LabelsProps) {
  const { rpc } = usePanel();
  const words = useWords();
  const id = useUid();
  const [tag, setTag] = useState("");
  const [category, setCategory] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  // What the tags are to be, until the kernel has answered: the next change begins there.
  const asked = useRef<readonly string[] | null>(null);
  const change = async (kind: string, fields: object, said: string): Promise<boolean> => {
    setProblem("");
    try {
      await rpc.request(kind, { model: row.id, ...fields });
      await onChanged();
      say(said);
      return true;
    } catch (error) {
      setProblem(errorText(error, words));
      return false;
    }
  };
  const retag = async (turned: (tags: readonly string[]) => readonly string[], said: string): Promise<boolean> => {
    const tags = turned(asked.current ?? row.tags);
    asked.current = tags;
    const done = await change("tag", { tags }, said);
    if (asked.current === tags) asked.current = null;
    return done;
  };
  const add = async (): Promise<void> => {
    const added = tag.trim();
    if (added === "") return;
    const said = words.t("models.said.tagged", { tag: isolated(added) });
    if (!(await retag((tags) => [...new Set([...tags, added])], said))) return;
    setTag((typed) => (typed.trim() === added ? "" : typed)); // the next one may stand there by now
  };
  const remove = (gone: string): void => {
    const said = words.t("models.said.untagged", { tag: isolated(gone) });
    void retag((tags) => tags.filter((each) => each !== gone), said);
  };
  const categorise = async (): Promise<void> => {
    const wanted = category?.trim();
    if (wanted === undefined || wanted === row.category) return setCategory(null);
    const said = wanted === "" ? "models.said.uncategorised" : "models.said.categorised";
    if (await change("categorise", { category: wanted }, words.t(said, { category: isolated(wanted) }))) {
      setCategory((typed) => (typed?.trim() === wanted ? null : typed));
    }
  };
  return (
    <div class="nbt-model-labels">
      <ul class="nbt-model-taglist" aria-label={words.t("models.tags")}>
        {row.tags.map((each) => (
          <li key={each} class="nbt-chip">
            <bdi>{each}</bdi>
            <Button
              icon="close"
              iconOnly
              quiet
              label={words.t("models.tag.remove", { tag: isolated(each) })}
              onClick={() => remove(each)}
            />
          </li>
        ))}
      </ul>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for leaving the field */}
      <span onKeyDown={onEnter(() => void add())}>
        <input
          class="nbt-input nbt-model-label"
          type="text"
          dir="auto"
          autocomplete="off"
          aria-label={words.t("models.tag.add")}
          placeholder={words.t("models.tag.add")}
          value={tag}
          onInput={(event) => setTag(event.currentTarget.value)}
        />
      </span>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a key that stands for leaving the field */}
      <span class="nbt-model-category" onKeyDown={onEnter(() => void categorise())}>
        <label for={`${id}-category`} class="nbt-soft">
          {words.t("models.filter.category")}
        </label>
        <input
          id={`${id}-category`}
          class="nbt-input nbt-model-label"
          type="text"
          dir="auto"
          autocomplete="off"
          list={`${id}-categories`}
          placeholder={words.t("models.category")}
          value={category ?? row.category}
          onInput={(event) => setCategory(event.currentTarget.value)}
          onBlur={() => void categorise()}
        />
        <datalist id={`${id}-categories`}>
          {categories.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </span>
      {problem && (
        <p class="nbt-field-problem" role="alert" dir="auto">
          {problem}
        </p>
      )}
    </div>
  );
}
