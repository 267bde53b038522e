/** What the control panel is told once, and the two choosers' contents. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "../shared/panel";
import { useSetupTrait } from "../shared/setup";
import { useValue } from "../shared/signal";
import type { ColumnChoice, Field, Options, Preset, RecipeFace, Subject } from "../shared/wire";

export interface Setup {
  fields: Field[];
  presets: Preset[];
  recipes: RecipeFace[];
  /** Model and data were handed in already, so the form need not ask. */
  bound: boolean;
}

const EMPTY: Setup = { fields: [], presets: [], recipes: [], bound: true };

export function useSetup(): Setup {
  return { ...EMPTY, ...useSetupTrait<Setup>() };
}

export interface Subjects {
  /** Null until the kernel has answered. */
  all: Subject[] | null;
  refresh(): void;
}

/** The notebook's models and data, asked for when they are needed. */
export function useSubjects(wanted: boolean): Subjects {
  const panel = usePanel();
  const [all, setAll] = useState<Subject[] | null>(null);
  const refresh = useCallback(() => {
    panel.rpc.request<{ subjects: Subject[] }>("subjects").then(({ subjects }) => setAll(subjects), panel.report);
  }, [panel]);
  const alive = useValue(panel.rpc.alive);
  useEffect(() => {
    if (wanted && alive) refresh();
  }, [wanted, alive, refresh]);
  return { all, refresh };
}

/** The columns of the data that is chosen; none while nobody knows. */
export function useColumns(data: string | null, wanted: boolean): readonly ColumnChoice[] {
  const { rpc, report } = usePanel();
  const [found, setFound] = useState<{ data: string | null; columns: readonly ColumnChoice[] } | null>(null);
  const alive = useValue(rpc.alive);
  useEffect(() => {
    if (!wanted || !alive) return undefined;
    let current = true;
    rpc.request<{ columns: ColumnChoice[] }>("columns", data === null ? {} : { data }).then(({ columns }) => {
      if (current) setFound({ data, columns });
    }, report);
    return () => {
      current = false;
    };
  }, [rpc, report, data, wanted, alive]);
  return found !== null && found.data === data ? found.columns : NO_COLUMNS;
}

const NO_COLUMNS: readonly ColumnChoice[] = [];

/** Options that another panel suggests to this form. */
export function useSuggested(take: (options: Options) => void): void {
  const { model } = usePanel();
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const changed = (): void => {
      const options = (model.get("suggested") as { options?: Options } | undefined)?.options;
      if (options) latest.current(options);
    };
    changed();
    model.on("change:suggested", changed);
    return () => model.off("change:suggested", changed);
  }, [model]);
}

/** What other panels chose for this form. */
export interface Offer {
  data?: string;
  model?: string;
}

/** What another panel chose for this form: told once more when it is chosen again. */
export function useOffered(take: (offer: Offer) => void): void {
  const { model } = usePanel();
  useEffect(() => {
    const offered = (): Offer & { last?: keyof Offer } => model.get("offered") ?? {};
    const changed = (): void => {
      const { last, ...chosen } = offered();
      if (last && chosen[last]) take({ [last]: chosen[last] });
    };
    const { data, model: net } = offered();
    if (data || net) take({ ...(data && { data }), ...(net && { model: net }) });
    model.on("change:offered", changed);
    return () => model.off("change:offered", changed);
  }, [model, take]);
}
