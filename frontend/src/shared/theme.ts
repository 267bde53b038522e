/** Light or dark, as the page around the panel is. */

export type Theme = "light" | "dark";

const DARK_MEDIA = "(prefers-color-scheme: dark)";

/** JupyterLab and VS Code say it on the body; elsewhere the reader's system decides. */
export function currentTheme(): Theme {
  const { body } = document;
  const lab = body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false" ? "dark" : "light";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return "dark";
  if (body.classList.contains("vscode-light")) return "light";
  return matchMedia(DARK_MEDIA).matches ? "dark" : "light";
}

/** Calls `listener` with the theme now and after each change; returns the way out. */
export function watchTheme(listener: (theme: Theme) => void): () => void {
  const tell = (): void => listener(currentTheme());
  const observer = new MutationObserver(tell);
  observer.observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light"] });
  const media = matchMedia(DARK_MEDIA);
  media.addEventListener("change", tell);
  tell();
  return () => {
    observer.disconnect();
    media.removeEventListener("change", tell);
  };
}
