/** What Python tells a panel once. */

import { useEffect, useReducer } from "preact/hooks";
import { usePanel } from "./panel";

/** The trait `setup`, and a new drawing of the component should it change. Undefined until it is there. */
export function useSetupTrait<T>(): Partial<T> | undefined {
  const { model } = usePanel();
  const [, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);
  useEffect(() => {
    const changed = (): void => redraw(undefined);
    model.on("change:setup", changed);
    return () => model.off("change:setup", changed);
  }, [model]);
  return model.get("setup") as Partial<T> | undefined;
}
