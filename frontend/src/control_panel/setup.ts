/** What the control panel is told once, and the two choosers' contents. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useWords } from "../shared/i18n";
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

/** The notebook's models and data, asked for when they are needed, and anew in another language. */
export function useSubjects(wanted: boolean): Subjects {
  const panel = usePanel();
  const [all, setAll] = useState<Subject[] | null>(null);
  const refresh = useCallback(() => {
    panel.rpc.request<{ subjects: Subject[] }>("subjects").then(({ subjects }) => setAll(subjects), panel.report);
  }, [panel]);
  const alive = useValue(panel.rpc.alive);
  const { language } = useWords();
  useEffect(() => {
    if (wanted && alive) refresh();
  }, [wanted, alive, refresh, language]);
  return { all, refresh };
}

/** The columns of the data that is chosen; null while nobody knows. Asked for anew whenever `subjects` are. */
export function useColumns(data: string | null, wanted: boolean, subjects: Subjects): readonly ColumnChoice[] | null {
  const { rpc, report } = usePanel();
  const [found, setFound] = useState<{ data: string | null; columns: readonly ColumnChoice[] } | null>(null);
  const alive = useValue(rpc.alive);
  const { all } = subjects;
  useEffect(() => {
    if (!wanted || !alive) return undefined;
    let current = true;
    rpc.request<{ columns: ColumnChoice[] }>("columns", data === null ? {} : { data }).then(({ columns }) => {
      if (current) setFound({ data, columns });
    }, report);
    return () => {
      current = false;
    };
  }, [rpc, report, data, wanted, alive, all]);
  if (found !== null && found.data === data) return found.columns;
  return wanted ? null : NO_COLUMNS;
}

const NO_COLUMNS: readonly ColumnChoice[] = [];

/** What another panel suggests to this form. */
interface Suggestion {
  options?: Options;
  count?: number;
}

/** Options that another panel suggests to this form. `seen`: those up to this count are on it already. */
export function useSuggested(seen: number, take: (options: Options, count: number) => void): void {
  useTold<Suggestion>("suggested", seen, ({ options, count = 0 }, known) => {
    if (options && count > known) take(options, count);
  });
}

/** What other panels chose for this form. */
export interface Offer {
  data?: string;
  model?: string;
}

/** As it travels: the newest of each kind. */
type Offered = Partial<Record<keyof Offer, { name: string; count: number }>>;

/** What another panel chose for this form: told once more when it is chosen again. `seen` as above. */
export function useOffered(seen: number, take: (offer: Offer, count: number) => void): void {
  useTold<Offered>("offered", seen, (offered, known) => {
    const fresh = Object.entries(offered).filter(([, { count }]) => count > known);
    if (fresh.length === 0) return;
    const offer = Object.fromEntries(fresh.map(([kind, { name }]) => [kind, name]));
    take(offer, Math.max(...fresh.map(([, { count }]) => count)));
  });
}

/** Calls back with a trait at first and when it changes, and with what is `seen` by then. */
function useTold<T extends object>(trait: string, seen: number, take: (told: T, seen: number) => void): void {
  const { model } = usePanel();
  const latest = useRef({ seen, take });
  latest.current = { seen, take };
  useEffect(() => {
    const look = (): void => latest.current.take((model.get(trait) ?? {}) as T, latest.current.seen);
    look();
    model.on(`change:${trait}`, look);
    return () => model.off(`change:${trait}`, look);
  }, [model, trait]);
}
