/** What a search of the Hub finds, page after page. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "../../shared/panel";
import { useValue } from "../../shared/signal";
import type { HubPage, HubRow } from "../wire";

/** A search is sent when its writer rests this long. */
const REST_MS = 350;

export interface HubQuery {
  search: string;
  task: string;
  library: string;
  language: string;
  licence: string;
  size: string;
  sort: string;
}

export interface HubSearch {
  query: HubQuery;
  setQuery(change: Partial<HubQuery>): void;
  /** Does not wait for the writer to rest; after a failure, asks again. */
  now(): void;
  rows: readonly HubRow[];
  /** Each question's answer is another list. */
  round: number;
  busy: boolean;
  /** The first page of this question has come. */
  answered: boolean;
  /** There is more, and it can be asked for. */
  more: boolean;
  askMore(): void;
  offline: boolean;
  note: string;
  failure: unknown;
}

const PLAIN: HubQuery = { search: "", task: "", library: "", language: "", licence: "", size: "", sort: "trending" };
const NOTHING = { rows: [] as HubRow[], next: null as string | null, offline: false, note: "", round: 0 };

/** `wanted`: somebody looks; before that nothing is asked. */
export function useSearch(wanted: boolean): HubSearch {
  const { rpc } = usePanel();
  const alive = useValue(rpc.alive);
  const [query, setQuery] = useState(PLAIN);
  const [asked, setAsked] = useState<{ query: HubQuery; at: number }>({ query: PLAIN, at: 0 });
  const [found, setFound] = useState(NOTHING);
  const [answered, setAnswered] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const newest = useRef(0);

  const fetch = useCallback(
    async (question: HubQuery, cursor: string | null) => {
      const mine = ++newest.current;
      setBusy(true);
      setFailure(null);
      try {
        const given = Object.entries({ ...question, search: question.search.trim() }).filter(([, text]) => text !== "");
        const page = await rpc.request<HubPage>("search", { query: Object.fromEntries(given), cursor });
        if (mine !== newest.current) return;
        const { next, offline, note } = page;
        setFound((known) =>
          cursor === null
            ? { rows: page.rows, next, offline, note, round: known.round + 1 }
            : { rows: [...known.rows, ...unknownOf(page.rows, known.rows)], next, offline, note, round: known.round },
        );
        setAnswered(true);
      } catch (error) {
        if (mine !== newest.current) return;
        setFailure(error);
        if (cursor === null) setFound((known) => ({ ...NOTHING, round: known.round + 1 }));
      } finally {
        if (mine === newest.current) setBusy(false);
      }
    },
    [rpc],
  );
  const ask = (question: HubQuery): void => setAsked((known) => ({ query: question, at: known.at + 1 }));
  useEffect(() => {
    if (query.search === asked.query.search) return undefined;
    const timer = setTimeout(() => ask(query), REST_MS);
    return () => clearTimeout(timer);
  }, [query, asked]);
  useEffect(() => {
    if (wanted && alive) void fetch(asked.query, null);
  }, [wanted, alive, asked, fetch]);

  return {
    query,
    setQuery(change) {
      const next = { ...query, ...change };
      setQuery(next);
      if (change.search === undefined) ask(next);
    },
    now: () => ask(query),
    rows: found.rows,
    round: found.round,
    busy,
    answered,
    more: found.next !== null && !busy && failure === null,
    askMore: () => void fetch(asked.query, found.next),
    offline: found.offline,
    note: found.note,
    failure,
  };
}

/** A model that moved between two questions stands on both pages; it is shown once. */
function unknownOf(rows: readonly HubRow[], known: readonly HubRow[]): HubRow[] {
  const ids = new Set(known.map(({ id }) => id));
  return rows.filter(({ id }) => !ids.has(id));
}
