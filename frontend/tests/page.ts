/** A page as a person uses it, with a clock that stands until it is told to go on. */

import { act } from "preact/test-utils";
import { expect, vi } from "vitest";
import { button } from "./fake";

/** Timers and dates wait for `pass`; what is said to the console is not printed. */
export function stopTheClock(now?: number): void {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
    ...(now === undefined ? {} : { now }),
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
}

/** Lets promises and timers of up to `ms` happen. */
export async function pass(ms = 0): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });
}

/** Lets Python say something, and what follows from it happen. */
export async function reply(say: () => void): Promise<void> {
  await act(async () => say());
  await pass();
  await pass();
}

export async function press(el: Element, label: string): Promise<void> {
  act(() => button(el, label).click());
  await pass();
}

/** The control of the option of this name. */
export function control<T extends HTMLElement>(el: Element, name: string): T {
  const found = el.querySelector<T>(`[id$="-${name}"]`);
  if (!found) throw new Error(`no control for ${name}`);
  return found;
}

/** The choice below this label. */
export function labelled(el: Element, label: string): HTMLSelectElement {
  const found = [...el.querySelectorAll("label")].find(({ textContent }) => textContent === label);
  const select = found && el.querySelector<HTMLSelectElement>(`#${CSS.escape(found.htmlFor)}`);
  if (!select) throw new Error(`nothing is called ${label}`);
  return select;
}

export function choose(select: HTMLSelectElement, value: string): void {
  select.value = value;
  expect(select.value).toBe(value);
  act(() => void select.dispatchEvent(new Event("change", { bubbles: true })));
}
