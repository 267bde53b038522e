/** The models of the workspace, as the search and the filters find them. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import { Pages, type Query } from "./pages";
import type { ModelPage } from "./wire";

/** A search is sent when its writer rests this long. */
const REST_MS = 200;

export interface Found {
  pages: Pages;
  query: Query;
  setQuery(change: Partial<Query>): void;
  /** Something is filtered out. */
  filtered: boolean;
}

const PLAIN: Query = { search: "", sort: "updated", descending: true, stage: "", category: "", tag: "" };

export function useModels(): Found {
  const { rpc } = usePanel();
  const alive = useValue(rpc.alive);
  const pages = useMemo(
    () => new Pages((query, offset, limit) => rpc.request<ModelPage>("models", { query, offset, limit })),
    [rpc],
  );
  const [query, setQuery] = useState(PLAIN);
  const [search, setSearch] = useState("");
  useValue(pages.version);
  useEffect(() => {
    const timer = setTimeout(() => setSearch(query.search.trim()), REST_MS);
    return () => clearTimeout(timer);
  }, [query.search]);
  useEffect(() => {
    if (alive) pages.ask({ ...query, search });
  }, [alive, pages, search, query.sort, query.descending, query.stage, query.category, query.tag]);
  return {
    pages,
    query,
    setQuery: (change) => setQuery((known) => ({ ...known, ...change })),
    filtered: [search, query.stage, query.category, query.tag].some((part) => part !== ""),
  };
}
