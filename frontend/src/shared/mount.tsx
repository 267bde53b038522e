/** Makes an anywidget module out of a component: connection, words, theme, and a frame that shows errors. */

import "./tokens.css";
import { Component, type ComponentChildren, type ComponentType, render } from "preact";
import { useLayoutEffect, useMemo, useReducer } from "preact/hooks";
import { Frame } from "./frame";
import { I18n, I18nContext } from "./i18n";
import type { Host, Model } from "./model";
import { type Panel, PanelContext } from "./panel";
import { RequestError, Rpc } from "./rpc";
import { Signal } from "./signal";
import { Store } from "./store";
import { currentTheme, watchTheme } from "./theme";

export interface RenderProps {
  model: Model;
  el: HTMLElement;
  signal?: AbortSignal;
  host?: Host;
}

export interface WidgetModule {
  render(props: RenderProps): () => void;
}

const TWIN_STYLE_ID = "nbt-hide-static-twin";

/** `export default mount(Panel)` is all a panel's index file needs. */
export function mount(Content: ComponentType): WidgetModule {
  return {
    render({ model, el, signal, host }) {
      hideStaticTwin();
      const root = document.createElement("div");
      root.className = "nbt nbt-live";
      el.append(root);
      const { panel, close } = connect(model, host, signal);
      const stopTheme = watchTheme((theme) => {
        root.dataset.nbtTheme = theme;
        panel.theme.set(theme);
      });
      render(<Root panel={panel} root={root} Content={Content} />, root);
      panel.rpc.open();
      return () => {
        stopTheme();
        close();
        render(null, root);
        root.remove();
      };
    },
  };
}

function connect(model: Model, host: Host | undefined, outer: AbortSignal | undefined) {
  const store = new Store();
  const error = new Signal<unknown>(null);
  const report = (problem: unknown): void => {
    // Nobody looks at the panel any more, or its frame says already that the kernel is gone, for as long as it is.
    if (problem instanceof RequestError && (problem.kind === "closed" || problem.kind === "gone")) return;
    console.error("nbtrain:", problem);
    error.set(problem);
  };
  const rpc = new Rpc(model, { onData: (message, buffers) => store.apply(message, buffers), onError: report });
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  outer?.addEventListener("abort", abort);
  const theme = new Signal(currentTheme());
  const panel: Panel = { model, rpc, store, theme, error, host, signal: controller.signal, report };
  const close = (): void => {
    outer?.removeEventListener("abort", abort);
    abort();
    rpc.close();
  };
  return { panel, close };
}

/** Where the live widget runs, its static copy beside it need not show. Once for the page. */
function hideStaticTwin(): void {
  if (document.getElementById(TWIN_STYLE_ID)) return;
  const style = document.createElement("style");
  style.id = TWIN_STYLE_ID;
  style.textContent = ".jp-OutputArea:has(.nbt-live) .nbt-static { display: none; }";
  document.head.append(style);
}

function Root({ panel, root, Content }: { panel: Panel; root: HTMLElement; Content: ComponentType }) {
  const i18n = useLanguage(panel.model);
  useLayoutEffect(() => {
    root.dir = i18n.direction;
    root.lang = i18n.language;
  }, [i18n, root]);
  return (
    <PanelContext.Provider value={panel}>
      <I18nContext.Provider value={i18n}>
        <Frame>
          <Boundary report={panel.report}>
            <Content />
          </Boundary>
        </Frame>
      </I18nContext.Provider>
    </PanelContext.Provider>
  );
}

/** The words of the traits, drawn anew when one of them changes. */
function useLanguage(model: Model): I18n {
  const [version, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);
  useLayoutEffect(() => {
    const changed = (): void => redraw(undefined);
    const events = ["change:words", "change:language", "change:direction"];
    for (const event of events) model.on(event, changed);
    return () => {
      for (const event of events) model.off(event, changed);
    };
  }, [model]);
  // The version stands for the three traits.
  return useMemo(() => {
    const words = (model.get("words") ?? {}) as Record<string, string>;
    const direction = model.get("direction") === "rtl" ? "rtl" : "ltr";
    return new I18n(words, String(model.get("language") ?? "en"), direction);
  }, [model, version]);
}

interface BoundaryProps {
  report(error: unknown): void;
  children: ComponentChildren;
}

/** A component that throws leaves the frame standing, with the error in it. */
class Boundary extends Component<BoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  override componentDidCatch(error: unknown): void {
    this.setState({ failed: true });
    this.props.report(error);
  }

  override render() {
    return this.state.failed ? null : this.props.children;
  }
}
