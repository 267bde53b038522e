/** Which model teaches: a registered one that fits what is trained, or one that is typed. */

import { useEffect, useState } from "preact/hooks";
import { NameChoice } from "../shared/controls/name_choice";
import type { OwnControl } from "../shared/form/field";
import { useWords } from "../shared/i18n";
import { usePanel } from "../shared/panel";
import { useValue } from "../shared/signal";
import type { Subject, TeacherChoice } from "../shared/wire";
import "./teacher.css";

/** They are asked for when the form rests so long: each time, rows may be looked through. */
const REST_MS = 250;

export interface TeacherProps extends OwnControl {
  /** The training as it would be started, as far as that says who can teach it. */
  asked: object;
  /** The form's choices: they are looked for anew whenever those are. */
  subjects: readonly Subject[] | null;
}

export function Teacher({ asked, subjects, value, onChange, ...rest }: TeacherProps) {
  const words = useWords();
  const teachers = useTeachers(asked, subjects);
  const able = teachers?.filter(({ why }) => why === "") ?? null;
  const others = teachers?.filter(({ why }) => why !== "") ?? [];
  return (
    <div class="nbt-teacher">
      <NameChoice
        {...rest}
        value={String(value ?? "")}
        known={able?.map(({ name, text }) => ({ value: name, label: `${name} · ${text}` })) ?? null}
        none={words.t("teacher.none")}
        other={words.t("teacher.another")}
        typed={words.t("teacher.name")}
        help={words.t("teacher.name.help", { example: "hub:owner/name" })}
        onChange={(name) => onChange(name === "" ? null : name)}
      />
      {able?.length === 0 && <p class="nbt-soft">{words.t("teacher.empty")}</p>}
      {others.length > 0 && (
        <details>
          <summary>{words.t("teacher.cannot", { count: others.length })}</summary>
          <ul>
            {others.map(({ name, why }) => (
              <li key={name}>
                <bdi>{name}</bdi>: <span class="nbt-soft">{why}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** The registered models; null until the kernel has answered. */
function useTeachers(asked: object, subjects: readonly Subject[] | null): readonly TeacherChoice[] | null {
  const { rpc, report } = usePanel();
  const [found, setFound] = useState<readonly TeacherChoice[] | null>(null);
  const alive = useValue(rpc.alive);
  const { language } = useWords();
  const key = JSON.stringify(asked);
  useEffect(() => {
    if (!alive) return undefined;
    let current = true;
    const ask = () =>
      rpc.request<{ teachers: TeacherChoice[] }>("teachers", JSON.parse(key)).then(({ teachers }) => {
        if (current) setFound(teachers);
      }, report);
    const timer = setTimeout(ask, REST_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [rpc, report, alive, key, language, subjects]);
  return found;
}
