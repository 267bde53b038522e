/** An upload of another page, or of before a reload: it goes on when the same file is chosen again. */

import { useState } from "preact/hooks";
import { Button } from "../controls/button";
import { useWords } from "../i18n";
import { usePanel } from "../panel";
import type { Begun } from "./upload";
import "./arriving.css";

export function Half({ half }: { half: Begun }) {
  const { rpc, report } = usePanel();
  const words = useWords();
  const [gone, setGone] = useState(false);
  if (gone) return null;
  const drop = (): void => {
    setGone(true);
    rpc.request("drop_upload", { upload: half.upload }).catch(report);
  };
  const share = half.size > 0 ? half.have / half.size : 0;
  return (
    <div class="nbt-task nbt-half">
      <p dir="auto">{words.t("datasets.upload.half", { name: half.name, share: words.percent(share) })}</p>
      <Button icon="trash" iconOnly quiet label={words.t("datasets.upload.drop", { name: half.name })} onClick={drop} />
    </div>
  );
}
