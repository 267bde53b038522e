/** Which rows are shown and in which order, as `nbtrain.data.query.Query.parse` takes it. */

import type { Scalar } from "./wire";

export type Op = "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "between" | "in" | "contains" | "missing" | "present";

export interface Filter {
  readonly column: string;
  readonly op: Op;
  readonly value: Scalar | readonly Scalar[] | null;
}

export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

export interface Query {
  readonly filters: readonly Filter[];
  readonly search: string;
  readonly sort: readonly Sort[];
}

export const EVERYTHING: Query = { filters: [], search: "", sort: [] };

export function sameFilter(one: Filter, other: Filter): boolean {
  return JSON.stringify([one.column, one.op, one.value]) === JSON.stringify([other.column, other.op, other.value]);
}

/** With this filter in the place of those of its column; without it when it was there already. */
export function toggleFilter(query: Query, filter: Filter): Query {
  const there = query.filters.some((known) => sameFilter(known, filter));
  const others = query.filters.filter((known) => known.column !== filter.column);
  return { ...query, filters: there ? others : [...others, filter] };
}

export function withoutFilter(query: Query, filter: Filter): Query {
  return { ...query, filters: query.filters.filter((known) => !sameFilter(known, filter)) };
}

/** Ascending, descending, and as the table has them. */
export function nextSort(query: Query, column: string): Query {
  const [now] = query.sort;
  if (now?.column !== column) return { ...query, sort: [{ column, descending: false }] };
  return { ...query, sort: now.descending ? [] : [{ column, descending: true }] };
}

/** Whether the query finds all rows. */
export function findsAll(query: Query): boolean {
  return query.filters.length === 0 && query.search === "";
}
