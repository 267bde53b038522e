/** The studio: a navigation beside the panel that was chosen. Panels opened once stay alive behind it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../shared/controls/button";
import { Choice } from "../shared/controls/choice";
import { useWords } from "../shared/i18n";
import { Icon, isIcon } from "../shared/icons";
import { errorText, usePanel } from "../shared/panel";
import { useSetupTrait } from "../shared/setup";
import { useUid } from "../shared/uid";
import { showChild } from "./children";
import { Logo } from "./logo";
import "./studio.css";

interface Entry {
  name: string;
  icon: string;
}

/** Each is named in itself in every catalogue, so that its reader finds it. */
const LANGUAGES = ["en", "fa", "ru"];

export function Studio() {
  const words = useWords();
  const id = useUid();
  const panels = useSetupTrait<{ panels: Entry[] }>()?.panels ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const current = chosen ?? panels[0]?.name ?? null;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  if (current !== null && !opened.has(current)) setOpened(new Set([...opened, current]));

  return (
    <div class="nbt-studio">
      <header class="nbt-studio-head">
        <Logo />
        <h2>nbtrain</h2>
        <LanguagePicker id={`${id}-language`} />
      </header>
      <Tabs id={id} panels={panels} current={current} onChoose={setChosen} />
      <div class="nbt-studio-content">
        {panels.length === 0 && <p class="nbt-studio-note">{words.t("studio.empty")}</p>}
        {panels
          .filter(({ name }) => opened.has(name))
          .map(({ name }) => (
            <Child key={name} id={id} name={name} shown={name === current} />
          ))}
      </div>
    </div>
  );
}

interface TabsProps {
  id: string;
  panels: readonly Entry[];
  current: string | null;
  onChoose(name: string): void;
}

function Tabs({ id, panels, current, onChoose }: TabsProps) {
  const words = useWords();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const target = targetOf(event.key, panels, current, words.direction);
    if (target === undefined) return;
    event.preventDefault();
    onChoose(target.name);
    list.current?.querySelectorAll("button")[panels.indexOf(target)]?.focus();
  };
  return (
    <div ref={list} class="nbt-studio-tabs" role="tablist" aria-label={words.t("studio.panels")} onKeyDown={move}>
      {panels.map(({ name, icon }) => (
        <button
          key={name}
          id={tabId(id, name)}
          type="button"
          role="tab"
          aria-selected={name === current}
          aria-controls={panelId(id, name)}
          tabIndex={name === current ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          <Icon name={isIcon(icon) ? icon : "list"} />
          <span>{words.t(`panel.${name}`)}</span>
        </button>
      ))}
    </div>
  );
}

/** Arrow keys walk the tabs and wrap around; a row of tabs is walked in reading direction. */
function targetOf(key: string, panels: readonly Entry[], current: string | null, direction: "ltr" | "rtl") {
  const at = panels.findIndex(({ name }) => name === current);
  const forward = direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const backward = direction === "rtl" ? "ArrowRight" : "ArrowLeft";
  if (key === "Home") return panels[0];
  if (key === "End") return panels.at(-1);
  if (key === "ArrowDown" || key === forward) return panels[(at + 1) % panels.length];
  if (key === "ArrowUp" || key === backward) return panels.at(at - 1);
  return undefined;
}

type Progress = { stage: "loading" } | { stage: "shown" } | { stage: "failed"; error: unknown };

function Child({ id, name, shown }: { id: string; name: string; shown: boolean }) {
  const panel = usePanel();
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  const [attempt, setAttempt] = useState(0);
  const [progress, setProgress] = useState<Progress>({ stage: "loading" });

  useEffect(() => {
    const el = place.current;
    if (!el) return;
    setProgress({ stage: "loading" });
    showChild(panel, name, el).then(
      () => setProgress({ stage: "shown" }),
      (error: unknown) => {
        if (panel.signal.aborted) return;
        console.error("nbtrain:", error);
        setProgress({ stage: "failed", error });
      },
    );
  }, [panel, name, attempt]);

  return (
    <div id={panelId(id, name)} role="tabpanel" aria-labelledby={tabId(id, name)} hidden={!shown}>
      {progress.stage === "loading" && (
        <p class="nbt-studio-note" role="status">
          <Icon name="hourglass" />
          <span>{words.t("studio.loading", { panel: words.t(`panel.${name}`) })}</span>
        </p>
      )}
      {progress.stage === "failed" && (
        <div class="nbt-studio-note" role="alert">
          <p dir="auto">{errorText(progress.error, words)}</p>
          <Button icon="reset" label={words.t("button.retry")} onClick={() => setAttempt(attempt + 1)} />
        </div>
      )}
      <div ref={place} class="nbt-studio-child" />
    </div>
  );
}

function LanguagePicker({ id }: { id: string }) {
  const { rpc, report } = usePanel();
  const words = useWords();
  return (
    <div class="nbt-studio-language">
      <Icon name="globe" />
      <Choice
        id={id}
        label={words.t("studio.language")}
        value={words.language}
        options={LANGUAGES.map((language) => ({ value: language, label: words.t(`language.${language}`) }))}
        onChange={(language) => void rpc.request("language", { language }).catch(report)}
      />
    </div>
  );
}

function tabId(id: string, name: string): string {
  return `${id}-tab-${name}`;
}

function panelId(id: string, name: string): string {
  return `${id}-panel-${name}`;
}
