/** What is known of a run's results: what was kept, and a look that is under way. */

import { useEffect, useRef, useState } from "preact/hooks";
import { usePanel } from "../../shared/panel";
import { useValue } from "../../shared/signal";
import type { ResultsView } from "../../shared/wire";

/** A pass over the rows held out takes a second or so. */
const ASK_AGAIN_MS = 400;

export interface Found {
  view: ResultsView;
  /** Truth and prediction in turn. */
  points: Float64Array;
  /** Of each of `view.worst`; empty where there is no image. The page lets go of them with the rest. */
  urls: readonly string[];
}

export interface Looking {
  task: string;
  /** 0–1, or null while nobody can say. */
  share: number | null;
}

export interface Results {
  found: Found | null;
  /** Whether one can look now. */
  can: boolean;
  looking: Looking | null;
  look(): void;
  cancel(): void;
}

interface Kept {
  results: ResultsView | null;
  can: boolean;
  task: string | null;
}

interface Progress {
  phase: "running" | "done" | "failed" | "cancelled";
  done: number;
  total: number | null;
}

/** `moment` changes when there may be something else to know: the run has ended, or stands still. */
export function useResults(run: string, moment: string): Results {
  const { rpc, report } = usePanel();
  const alive = useValue(rpc.alive);
  const [found, setFound] = useState<Found | null>(null);
  const [can, setCan] = useState(false);
  const [looking, setLooking] = useState<Looking | null>(null);
  const [asked, setAsked] = useState(0);
  const task = looking?.task ?? null;
  const told = useRef(report);
  told.current = report;

  useEffect(() => {
    if (!alive) return undefined;
    let current = true;
    rpc.requestWithBuffers<Kept>("results", { run }).then(
      ({ result, buffers }) => {
        if (!current) return;
        setCan(result.can);
        setFound(result.results && readable(result.results, buffers));
        setLooking((before) => before ?? (result.task === null ? null : { task: result.task, share: null }));
      },
      (error: unknown) => told.current(error),
    );
    return () => {
      current = false;
    };
  }, [rpc, run, alive, moment, asked]);

  useEffect(() => {
    if (task === null || !alive) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current = true;
    const ask = async (): Promise<void> => {
      try {
        const { phase, done, total } = await rpc.request<Progress>("looked", { task });
        if (!current) return;
        if (phase === "running") {
          setLooking({ task, share: total === null || total <= 0 ? null : Math.min(1, done / total) });
          timer = setTimeout(ask, ASK_AGAIN_MS);
          return;
        }
        setLooking(null);
        if (phase === "done") setAsked((times) => times + 1);
      } catch (error) {
        if (!current) return;
        setLooking(null);
        told.current(error);
      }
    };
    timer = setTimeout(ask, ASK_AGAIN_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [rpc, task, alive]);

  useEffect(
    () => () => {
      for (const url of found?.urls ?? []) if (url) URL.revokeObjectURL(url);
    },
    [found],
  );

  const look = (): void => {
    rpc
      .request<{ task: string }>("look", { run })
      .then((result) => setLooking({ task: result.task, share: null }), report);
  };
  const cancel = (): void => {
    if (task !== null) rpc.request("look_off", { task }).catch(report);
  };
  return { found, can, looking, look, cancel };
}

function readable(view: ResultsView, buffers: readonly DataView[]): Found {
  const urls = view.worst.map(({ image, mime }) => {
    const bytes = image === null ? undefined : bytesOf(buffers[image]);
    return bytes ? URL.createObjectURL(new Blob([bytes], { type: mime })) : "";
  });
  const points = view.points === null ? undefined : bytesOf(buffers[view.points]);
  return { view, urls, points: points ? new Float64Array(points.buffer) : new Float64Array() };
}

/** A copy of its own, from whose first byte on numbers can be read. */
function bytesOf(buffer: DataView | undefined): Uint8Array<ArrayBuffer> | undefined {
  return buffer && new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice();
}
