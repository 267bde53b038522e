/** The preview of a table: its rows, what its columns hold, and ways to find some of them. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { type I18n, useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import { errorText, usePanel } from "../shared/panel";
import { RequestError } from "../shared/rpc";
import { useSetupTrait } from "../shared/setup";
import { useValue } from "../shared/signal";
import type { TaskState } from "../shared/wire";
import { CellPane } from "./cell_pane";
import { ClassStrip } from "./classes";
import { ColumnPane } from "./column_pane";
import { copyText } from "./copy";
import { Grid } from "./grid";
import { isMedia } from "./kinds";
import { layOut, spread, widthFor } from "./layout";
import { EVERYTHING, type Filter, findsAll, type Query, toggleFilter, withoutFilter } from "./query";
import { Source } from "./source";
import { Chips, ColumnChooser, RowCount, Search, TargetChoice } from "./toolbar";
import { type ImportState, useImport } from "./use_import";
import type { Place } from "./use_keys";
import { classesOf, type ProfileState, useProfile } from "./use_profile";
import type { Setup, TableColumn } from "./wire";
import { EndLine, WorkLine } from "./work_line";
import "./dataset_preview.css";
import "./table.css";
import "./head.css";
import "./pane.css";

const NONE: readonly TableColumn[] = [];

export function DatasetPreview() {
  const setup = useSetupTrait<Setup>();
  if (!setup?.columns) return <div class="nbt-data" aria-busy="true" />;
  return <Preview setup={setup as Setup} />;
}

function Preview({ setup }: { setup: Setup }) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const columns = setup.columns ?? NONE;
  const source = useMemo(() => new Source(rpc, setup.page_rows), [rpc, setup.page_rows]);
  useEffect(() => {
    source.start();
    return () => source.close();
  }, [source]);
  useRetry(source);
  const query = useValue(source.query);
  const found = useValue(source.found);
  const total = useValue(source.total);
  useValue(source.pages.version);
  const failure = useValue(source.pages.failure);
  const uncounted = useValue(source.uncounted);

  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [widths, setWidths] = useState<ReadonlyMap<string, number>>(new Map());
  const [active, setActive] = useState<Place | null>(null);
  const [opened, setOpened] = useState<Place | null>(null);
  const [target, setTarget] = useState(setup.target);
  const first = useRef(false);
  if (source.pages.at(0)) first.current = true; // later it may have been let go of
  const came = first.current;
  const profile = useProfile(came, setup.target, setup.tokenizer);
  const importing = useImport(setup.importable ?? false);
  const layout = useMemo(
    () => layOut(columns, hidden, widths, total ?? source.reach),
    [columns, hidden, widths, total, source.reach],
  );
  const place = useRef<HTMLDivElement>(null);
  useFirstWidths(source, columns, came, (wanted) => {
    const room = (place.current?.clientWidth ?? 0) - layout.numbers - 16; // a scrollbar stands there, too
    const shared = spread(columns, wanted, room);
    setWidths(new Map(columns.map(({ name }, index) => [name, shared[index] ?? 0])));
  });

  const show = (next: Query): void => {
    setActive(null);
    if (opened && opened.row >= 0) setOpened(null); // another row stands there now
    source.ask(next);
  };
  const filter = (each: Filter): void => show(toggleFilter(query, each));
  const choose = (column: string | null): void => {
    setTarget(column);
    if (column !== null && profile.profile && !classesOf(profile.profile, column))
      profile.make(column, setup.tokenizer);
  };
  const activate = (place: Place): void => {
    setActive(place);
    if (opened) setOpened(place);
  };
  const open = (place: Place): void => {
    setActive(place);
    setOpened(place);
  };
  const copy = async ({ row, position }: Place): Promise<void> => {
    const slot = layout.slots[position];
    const cell = slot && source.cell(row, slot.index);
    if (!slot || !cell || isMedia(slot.column.kind) || cell.text === null) return;
    const whole = await source.whole(row, slot.column.name);
    await copyText(whole.text ?? "");
  };
  const classes = target !== null && profile.profile ? classesOf(profile.profile, target) : null;
  const slot = opened ? layout.slots[opened.position] : undefined;
  const close = (): void => setOpened(null);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the pane wherever the focus is
    <div
      class="nbt-data"
      data-lm-suppress-shortcuts="true"
      onKeyDown={(event) => {
        if (event.key === "Escape" && opened) close();
      }}
    >
      <div class="nbt-data-bar">
        <Search text={query.search} onSearch={(search) => search !== query.search && show({ ...query, search })} />
        <ColumnChooser columns={columns} hidden={hidden} onChange={setHidden} />
        <TargetChoice columns={columns} target={target} onChange={choose} />
        {setup.importable && importing.name === null && (
          <Button
            icon="download"
            label={words.t("data.import")}
            quiet
            busy={importing.running}
            onClick={importing.begin}
          />
        )}
        <RowCount found={found} total={total} everything={findsAll(query)} />
      </div>
      <Chips
        query={query}
        onRemove={(each) => show(withoutFilter(query, each))}
        onClear={() => show({ ...query, filters: [] })}
      />
      {classes && <ClassStrip classes={classes} filters={query.filters} onFilter={filter} />}
      <ImportLine state={importing} words={words} />
      <ProfileLine state={profile} words={words} onAgain={() => profile.make(target, setup.tokenizer)} />
      {(failure ?? uncounted) !== null && (
        <Trouble text={errorText(failure ?? uncounted, words)} words={words} onRetry={() => source.retry()} />
      )}
      <div class="nbt-data-content">
        <div ref={place} class="nbt-data-table">
          {(failure === null || came) && (
            <Grid
              source={source}
              layout={layout}
              profiles={profile.columns}
              profiling={profile.running}
              active={active}
              onActive={activate}
              onOpen={open}
              onCopy={(place) => copy(place).catch(report)}
              onQuery={show}
              onFilter={filter}
              onResize={(column, width) => setWidths(new Map(widths).set(column, width))}
            />
          )}
          {found === 0 && (
            <Empty query={query} words={words} onClear={() => show({ ...EVERYTHING, sort: query.sort })} />
          )}
        </div>
        {opened && slot && opened.row >= 0 && (
          <CellPane
            key={slot.index}
            source={source}
            slot={slot}
            row={opened.row}
            onCopy={(text) => copyText(text).catch(report)}
            onClose={close}
          />
        )}
        {opened && slot && opened.row === -1 && (
          <ColumnPane
            key={slot.index}
            column={slot.column}
            profile={profile.columns.get(slot.column.name)}
            profiling={profile.running}
            query={query}
            onFilter={filter}
            onHide={() => {
              if (hidden.size < columns.length - 1) setHidden(new Set(hidden).add(slot.column.name));
              close();
            }}
            onTokens={(tokenizer) => profile.make(target, tokenizer)}
            onClose={close}
          />
        )}
      </div>
    </div>
  );
}

/** Asks again for what a lost kernel did not give, once it is back. */
function useRetry(source: Source): void {
  const { rpc } = usePanel();
  const alive = useValue(rpc.alive);
  useEffect(() => {
    const failures = [source.pages.failure.get(), source.uncounted.get()];
    if (alive && failures.some((failure) => failure instanceof RequestError && failure.kind === "gone")) source.retry();
  }, [alive, source]);
}

/** Columns become as wide as the first rows need, once. */
function useFirstWidths(
  source: Source,
  columns: readonly TableColumn[],
  came: boolean,
  onWidths: (widths: readonly number[]) => void,
): void {
  const done = useRef(false);
  useEffect(() => {
    if (!came || done.current) return;
    done.current = true;
    const rows = [...Array(Math.min(50, source.reach)).keys()];
    const width = (column: TableColumn, index: number): number =>
      widthFor(
        column,
        rows.map((row) => source.cell(row, index)),
      );
    onWidths(columns.map(width));
  }, [came, source, columns, onWidths]);
}

function ProfileLine({ state, words, onAgain }: { state: ProfileState; words: I18n; onAgain(): void }) {
  const { task, running, cancel } = state;
  if (running) {
    const share = shareOf(task);
    const text =
      share === null ? words.t("data.profile.busy") : words.t("data.profile.at", { share: words.percent(share) });
    return <WorkLine share={share} text={text} cancel={words.t("data.profile.cancel")} onCancel={cancel} />;
  }
  if (task?.phase === "failed" || task?.phase === "cancelled") {
    const text =
      task.phase === "cancelled"
        ? words.t("data.profile.cancelled")
        : words.t("data.profile.failed", { message: task.error?.message ?? "" });
    return (
      <EndLine text={text}>
        <Button icon="reset" label={words.t("data.profile.again")} quiet onClick={onAgain} />
      </EndLine>
    );
  }
  return null;
}

/** How the import goes, or how it ended. */
function ImportLine({ state, words }: { state: ImportState; words: I18n }) {
  const { task, running, name, begin, cancel } = state;
  if (running) {
    const share = shareOf(task);
    const text =
      share === null ? words.t("data.import.busy") : words.t("data.import.at", { share: words.percent(share) });
    return <WorkLine share={share} text={text} cancel={words.t("button.cancel")} onCancel={cancel} />;
  }
  if (name !== null) return <EndLine good text={words.t("data.import.done", { name: `\u2068${name}\u2069` })} />;
  if (task?.phase === "failed") {
    return (
      <EndLine text={words.t("data.import.failed", { message: task.error?.message ?? "" })}>
        <Button icon="reset" label={words.t("button.retry")} quiet onClick={begin} />
      </EndLine>
    );
  }
  return task?.phase === "cancelled" ? <EndLine text={words.t("data.import.cancelled")} /> : null;
}

function shareOf(task: TaskState | undefined): number | null {
  return task?.total ? Math.min(1, task.done / task.total) : null;
}

function Trouble({ text, words, onRetry }: { text: string; words: I18n; onRetry(): void }) {
  return (
    <div class="nbt-notice nbt-notice-error" role="alert">
      <Icon name="alert" />
      <span dir="auto">{text}</span>
      <Button icon="reset" label={words.t("button.retry")} onClick={onRetry} />
    </div>
  );
}

function Empty({ query, words, onClear }: { query: Query; words: I18n; onClear(): void }) {
  if (findsAll(query)) {
    return (
      <div class="nbt-data-empty">
        <h3>{words.t("data.empty.title")}</h3>
        <p>{words.t("data.empty.text")}</p>
      </div>
    );
  }
  return (
    <div class="nbt-data-empty">
      <h3>{words.t("data.nothing.title")}</h3>
      <p>{words.t("data.nothing.text")}</p>
      <Button icon="close" label={words.t("data.nothing.clear")} onClick={onClear} />
    </div>
  );
}
