/** What the panel knows of the datasets. */

import type { Panel } from "../shared/panel";
import { type Known, useAnswer } from "../shared/work/tasks";
import type { DatasetFacts, DatasetRow, UploadView } from "./wire";

export interface List {
  rows: DatasetRow[];
  uploads: UploadView[];
  /** Ended tasks that somebody has put away. */
  dismissed: string[];
}

export function useList(): Known<List> {
  return useAnswer((panel) => panel.rpc.request<List>("datasets"), "datasets");
}

export function useFacts(dataset: string | null): Known<DatasetFacts> {
  const ask = dataset === null ? null : (panel: Panel) => panel.rpc.request<DatasetFacts>("dataset", { dataset });
  return useAnswer(ask, dataset ?? "");
}
