/** Child widgets: asked for once, waited for, and shown inside an element. */

import type { Panel } from "../shared/panel";

/** Both ways in which a model's id is written into a trait. */
const REFERENCE = /^(?:IPY_MODEL_|anywidget:)(.+)$/;

function referenceOf(panel: Panel, name: string): string | undefined {
  const children = panel.model.get("children") as Record<string, string> | undefined;
  const id = children?.[name]?.match(REFERENCE)?.[1];
  return id && `anywidget:${id}`;
}

/** The child's reference; asks Python to make the panel when it is not there yet. */
export async function openChild(panel: Panel, name: string): Promise<string> {
  const known = referenceOf(panel, name);
  if (known) return known;
  const arrival = new Promise<string>((resolve) => {
    const changed = (): void => {
      const reference = referenceOf(panel, name);
      if (!reference) return;
      panel.model.off("change:children", changed);
      resolve(reference);
    };
    panel.model.on("change:children", changed);
    panel.signal.addEventListener("abort", () => panel.model.off("change:children", changed));
  });
  await panel.rpc.request("open", { panel: name });
  return referenceOf(panel, name) ?? arrival;
}

/** Draws the child into `el`, where it lives until the studio is taken off the page. */
export async function showChild(panel: Panel, name: string, el: HTMLElement): Promise<void> {
  if (!panel.host) throw new Error("error.no_host");
  const child = await panel.host.getWidget(await openChild(panel, name));
  await child.render({ el, signal: panel.signal });
}
