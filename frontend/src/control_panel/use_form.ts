/** The state of the form: values, what is wrong with them, and the kernel's opinion while one types. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Problems } from "../shared/form/form";
import { editsAfter, fittedFields, isVisible, startValues, visibleOptions } from "../shared/form/model";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { RequestError } from "../shared/rpc";
import type { Field, Options, Problem, RecipeFace } from "../shared/wire";
import type { Change, Draft } from "./draft";

/** Long enough not to ask for every digit, short enough to answer before the next field. */
const CHECK_AFTER_MS = 300;

export interface FormState {
  /** As the recipe has them. */
  fields: readonly Field[];
  values: Options;
  unreadable: Readonly<Record<string, string>>;
  /** False while a field on the form holds a text that cannot be read. */
  readable: boolean;
  /** By field; those of fields that are not on the form are in `general`. */
  problems: Problems;
  general: readonly string[];
  /** The options as they are sent. */
  options: Options;
  setValues(values: Options): void;
  setUnreadable(name: string, text: string | null): void;
  /** Takes over what Python found wrong; true when it was about the options. */
  refuse(error: unknown): boolean;
}

export function useForm(
  declared: readonly Field[],
  recipes: readonly RecipeFace[],
  draft: Draft,
  change: Change,
): FormState {
  const panel = usePanel();
  const words = useWords();
  const { options: edited, unreadable } = draft;
  const [found, setFound] = useState<readonly Problem[]>([]);
  const fields = fittedFields(declared, recipes, edited);
  const values = { ...startValues(fields), ...edited };
  const options = visibleOptions(fields, values);
  const asked = useCheck(options, Object.keys(edited).length > 0, setFound);

  const visible = new Set(fields.filter((field) => isVisible(field, values)).map((field) => field.name));
  const problems: Record<string, string> = {};
  for (const { field, message } of found) problems[field] ??= message;
  for (const name of Object.keys(unreadable)) if (visible.has(name)) problems[name] = words.t("problem.not_a_number");
  const general = found.filter(({ field }) => !visible.has(field)).map(({ message }) => message);

  return {
    fields,
    values,
    unreadable,
    readable: !Object.keys(unreadable).some((name) => visible.has(name)),
    problems,
    general,
    options,
    setValues: (next) => change({ options: editsAfter(declared, recipes, edited, values, next) }),
    setUnreadable(name, text) {
      change(({ unreadable: known }) => {
        const { [name]: _, ...rest } = known;
        return { unreadable: text === null ? rest : { ...rest, [name]: text } };
      });
    },
    refuse(error) {
      if (!(error instanceof RequestError) || error.problems.length === 0) {
        panel.report(error);
        return false;
      }
      asked.current++; // an older check must not wipe this out
      setFound(error.problems);
      return true;
    },
  };
}

/** Asks Python about the options a moment after they changed; only the newest answer counts. */
function useCheck(options: Options, changed: boolean, onFound: (problems: readonly Problem[]) => void) {
  const panel = usePanel();
  const newest = useRef(0);
  const first = useRef(!changed);
  const key = JSON.stringify(options);
  useEffect(() => {
    if (first.current) {
      first.current = false; // what the form starts from is Python's own
      return undefined;
    }
    const timer = setTimeout(async () => {
      const mine = ++newest.current;
      try {
        await panel.rpc.request("check", { options: JSON.parse(key) });
        if (mine === newest.current) onFound([]);
      } catch (error) {
        if (mine !== newest.current) return;
        if (error instanceof RequestError && error.problems.length > 0) onFound(error.problems);
        else panel.report(error);
      }
    }, CHECK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [key, panel]);
  return newest;
}
