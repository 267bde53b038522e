/** What the form holds. The kernel keeps it: a page that is loaded anew has it again, and all pages show the same. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "../shared/panel";
import { newId, RequestError } from "../shared/rpc";
import { useValue } from "../shared/signal";
import type { Field, Options, Value } from "../shared/wire";
import type { Columns } from "./columns";
import type { Edits } from "./edits";

/** As long as a check waits: not for every digit, and before one looks away. */
const KEEP_AFTER_MS = 300;

export interface Draft {
  /** What was changed. */
  options: Options;
  /** Texts that are no numbers, by the field's name. */
  unreadable: Readonly<Record<string, string>>;
  model: string | null;
  data: string | null;
  columns: Columns;
  /** What was typed beside a run that trains, and is not applied. */
  edits: Edits | null;
  /** The count of the last offer or suggestion of another panel that is in it. */
  seen: number;
}

/** A change of the draft, or what makes one of the draft as it is. */
export type Change = (part: Partial<Draft> | ((before: Draft) => Partial<Draft>)) => void;

/** As it travels: `page` and `turn` say who wrote it, and tell an echo. */
interface Kept extends Draft {
  page: string;
  turn: number;
}

export function useDraft(fields: readonly Field[]): [Draft, Change] {
  const { model, rpc, report } = usePanel();
  const known = useRef(fields);
  known.current = fields;
  const [draft, setDraft] = useState(() => readDraft(model.get("draft"), fields));
  const latest = useRef(draft);
  latest.current = draft;
  const mine = useRef({ page: newId(), turn: 0, unsent: false });
  const alive = useValue(rpc.alive);

  const change = useCallback<Change>((part) => {
    mine.current.unsent = true;
    setDraft((before) => ({ ...before, ...(typeof part === "function" ? part(before) : part) }));
  }, []);

  const send = useCallback(() => {
    const me = mine.current;
    if (!me.unsent || !rpc.alive.get()) return;
    me.unsent = false;
    me.turn += 1;
    const kept: Kept = { ...latest.current, page: me.page, turn: me.turn };
    rpc.request("draft", { draft: kept }).catch((error) => {
      if (error instanceof RequestError && error.kind === "gone") me.unsent = true; // told once it is there again
      report(error);
    });
  }, [rpc, report]);

  useEffect(() => {
    if (!alive || !mine.current.unsent) return undefined;
    const timer = setTimeout(send, KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [send, alive, draft]);

  useEffect(() => {
    addEventListener("pagehide", send); // what was typed a moment ago
    return () => {
      removeEventListener("pagehide", send);
      send();
    };
  }, [send]);

  useEffect(() => {
    const changed = (): void => {
      const { page, turn, unsent } = mine.current;
      const told = model.get("draft") as Partial<Kept> | undefined;
      // What is typed here now is newer; and so is what was sent after this echo.
      if (unsent || (told?.page === page && told.turn !== turn)) return;
      setDraft(readDraft(told, known.current));
    };
    model.on("change:draft", changed);
    return () => model.off("change:draft", changed);
  }, [model]);

  return [draft, change];
}

/** A draft that was kept, without what no field takes any more. */
export function readDraft(kept: unknown, fields: readonly Field[]): Draft {
  const { options, unreadable, model, data, columns, edits, seen } = record(kept);
  return {
    options: those<Value>(fields, options, takes),
    unreadable: those<string>(fields, unreadable, isText),
    model: typeof model === "string" ? model : null,
    data: typeof data === "string" ? data : null,
    columns: Object.fromEntries(Object.entries(record(columns)).filter(([, value]) => isColumns(value))) as Columns,
    edits: readEdits(edits, fields),
    seen: typeof seen === "number" ? seen : 0,
  };
}

function readEdits(kept: unknown, fields: readonly Field[]): Edits | null {
  const { run, options, unreadable } = record(kept);
  if (typeof run !== "string") return null;
  const live = fields.filter((field) => field.live);
  return { run, options: those<Value>(live, options, takes), unreadable: those<string>(live, unreadable, isText) };
}

/** Those entries of what was kept whose field is there and takes them. */
function those<T>(
  fields: readonly Field[],
  kept: unknown,
  fits: (field: Field, value: unknown) => boolean,
): Record<string, T> {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const found = Object.entries(record(kept)).filter(([name, value]) => {
    const field = byName.get(name);
    return field !== undefined && fits(field, value);
  });
  return Object.fromEntries(found) as Record<string, T>;
}

function isText(_: Field, value: unknown): boolean {
  return typeof value === "string";
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function isColumns(value: unknown): boolean {
  return typeof value === "string" || (Array.isArray(value) && value.every((name) => typeof name === "string"));
}

/** Whether a value is of the field's kind; whether it is allowed, Python says. */
function takes({ type, choices, optional }: Field, value: unknown): boolean {
  if (value === null) return optional;
  if (type === "int" || type === "float") return typeof value === "number";
  if (type === "bool") return typeof value === "boolean";
  return typeof value === "string" && (choices?.includes(value) ?? true);
}
