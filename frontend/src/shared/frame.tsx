/** The frame around every panel: it says when the kernel is gone or busy, and shows what went wrong. */

import type { ComponentChildren } from "preact";
import { Button } from "./controls/button";
import { useWords } from "./i18n";
import { Icon } from "./icons";
import { errorText, usePanel } from "./panel";
import { useValue } from "./signal";
import "./frame.css";

export function Frame({ children }: { children: ComponentChildren }) {
  const words = useWords();
  const panel = usePanel();
  const alive = useValue(panel.rpc.alive);
  const slow = useValue(panel.rpc.slow);
  const error = useValue(panel.error);
  return (
    <div class={alive ? "nbt-frame" : "nbt-frame nbt-gone"}>
      <div role="status" class="nbt-notices">
        {!alive && (
          <p class="nbt-notice nbt-notice-warning">
            <Icon name="plug" />
            <span>{words.t("kernel.gone")}</span>
          </p>
        )}
        {alive && slow && (
          <p class="nbt-notice">
            <Icon name="hourglass" />
            <span>{words.t("kernel.busy")}</span>
          </p>
        )}
      </div>
      {error !== null && (
        <div role="alert" class="nbt-notice nbt-notice-error">
          <Icon name="alert" />
          <span dir="auto">{errorText(error, words)}</span>
          <Button icon="close" label={words.t("button.dismiss")} quiet iconOnly onClick={() => panel.error.set(null)} />
        </div>
      )}
      <div class="nbt-body">{children}</div>
    </div>
  );
}
