/** The part of an anywidget model that nbtrain uses, and what JupyterLab puts beside it. */

/** A kernel connection of JupyterLab; other hosts of widgets have none. */
export interface KernelConnection {
  clientId: string;
  username: string;
  sendControlMessage?(message: object, expectReply: boolean, disposeOnDone: boolean): { done: Promise<unknown> };
  statusChanged?: LuminoSignal<string>;
  connectionStatusChanged?: LuminoSignal<string>;
}

/** Lumino's signal: the slot is called with the sender and the news. */
export interface LuminoSignal<T> {
  connect(slot: (sender: unknown, value: T) => void): unknown;
  disconnect(slot: (sender: unknown, value: T) => void): unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: event callbacks of the widget protocol differ by event name
export type Callback = (...args: any[]) => void;

export interface Model {
  get(name: string): unknown;
  set(name: object | string | null, value?: unknown): unknown;
  send(content: object, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: string, callback: Callback): void;
  off(event: string, callback?: Callback): void;
  model_id?: string;
  widget_manager?: { kernel?: KernelConnection | null };
}

/** Composition of widgets, by anywidget 0.11. */
export interface Host {
  getWidget(ref: string): Promise<{ render(place: { el: HTMLElement; signal?: AbortSignal }): Promise<void> }>;
}

/**
 * The widget's id on the wire. anywidget hands out a proxy without it, but the proxied `set` of a
 * Backbone model returns the model itself, and `set(null)` changes nothing.
 */
export function modelId(model: Model): string {
  const id = model.model_id ?? (model.set(null) as Model | undefined)?.model_id;
  return id ?? "";
}
