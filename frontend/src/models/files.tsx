/** Files with their sizes, and a word beside those that could run code. */

import { useWords } from "../shared/i18n";
import { Icon } from "../shared/icons";
import type { FileView } from "./wire";
import "./files.css";

export function Files({ files }: { files: readonly FileView[] }) {
  const words = useWords();
  const total = files.reduce((sum, { size }) => sum + size, 0);
  return (
    <section class="nbt-files">
      <p class="nbt-soft nbt-number">{words.t("models.files", { count: files.length, size: words.bytes(total) })}</p>
      <ul>
        {files.map(({ path, size, safe }) => (
          <li key={path}>
            <span class="nbt-files-path" dir="ltr" title={path}>
              {path}
            </span>
            {!safe && (
              <span class="nbt-files-unsafe" title={words.t("models.files.unsafe.help")}>
                <Icon name="alert" size={14} /> {words.t("models.files.unsafe")}
              </span>
            )}
            <span class="nbt-number" title={words.t("models.bytes", { count: size })}>
              {words.bytes(size)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
