/** Requests to the kernel and what comes back: ids, sequence numbers, heartbeat. */

import { type Model, modelId } from "./model";
import { Signal } from "./signal";
import type { Delta, Message, Problem, Reply, Snapshot } from "./wire";

/** Without any message for this long, the kernel counts as gone (it beats once a second). */
const GONE_AFTER_MS = 3000;
/** A command unanswered for this long lets the panel say that the kernel is busy. */
const SLOW_AFTER_MS = 1000;
/** These take their time by nature (a library to load, a folder to read), so silence means something later. */
const PATIENT: ReadonlySet<string> = new Set([
  "start",
  "resume_run",
  "open",
  "subjects",
  "columns",
  "foresee",
  "foreseen",
  "samples",
  "runs",
  "watch",
  "range",
  "datasets",
  "dataset",
  "chunk",
  "before_after",
  "models",
  "facts",
  "try_form",
]);
const PATIENCE_MS = 10_000;
/** Of these the panel itself shows that they take their time: grey rows, “counting”, “searching”. */
const SHOWN: ReadonlySet<string> = new Set([
  "page",
  "count",
  "cell",
  "media",
  "profiled",
  "search",
  "hub_facts",
  "predict",
]);
/** In silence of this length the panel says once that it is here: another view of it may have said bye. */
const KNOCK_AFTER_MS = 1600;
/** And as often as this where Python counts on it: it sends nothing to a page that was not heard for five minutes. */
const HERE_EVERY_MS = 60_000;
const WATCH_EVERY_MS = 500;
/** Kernel states in which the Python side of the widget no longer exists, or soon will not. */
const LOST = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/** What Python answered to a request it refused. */
export class RequestError extends Error {
  constructor(
    readonly kind: string,
    message: string,
    readonly problems: readonly Problem[] = [],
  ) {
    super(message);
    this.name = "RequestError";
  }
}

/** The answer to a request: its `result`, and the buffers that came along. */
export interface Answer<T> {
  result: T;
  buffers: readonly DataView[];
}

interface Waiting {
  kind: string;
  since: number;
  resolve(answer: Answer<unknown>): void;
  reject(error: Error): void;
}

export interface RpcEvents {
  /** A snapshot, or a delta that follows what is known without a gap. */
  onData(message: Snapshot | Delta, buffers: readonly DataView[]): void;
  /** Something went wrong that belongs to no request. */
  onError(error: unknown): void;
}

export class Rpc {
  /** False when nothing has come for three seconds, or the kernel says that it restarts. */
  readonly alive = new Signal(true);
  /** True while a request has waited for longer than such a request should. */
  readonly slow = new Signal(false);
  /** Kinds of the requests that wait. */
  readonly waiting = new Signal<ReadonlySet<string>>(new Set());

  readonly #model: Model;
  readonly #events: RpcEvents;
  readonly #pending = new Map<string, Waiting>();
  #seq: number | null = null;
  #helloSince: number | null = null;
  #lastHeard = Date.now();
  #lastSent = Date.now();
  #knocked = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #disconnect: (() => void) | undefined;

  constructor(model: Model, events: RpcEvents) {
    this.#model = model;
    this.#events = events;
  }

  /** Starts listening and asks for a snapshot. */
  open(): void {
    this.#model.on("msg:custom", this.#onMessage);
    this.#timer = setInterval(this.#watch, WATCH_EVERY_MS);
    this.#disconnect = this.#listenToKernel();
    document.addEventListener("visibilitychange", this.#askWhenLost);
    addEventListener("pagehide", this.#bye);
    this.#lastHeard = Date.now();
    this.hello();
  }

  /** Stops listening; Python need not tell this panel anything until someone looks again. */
  close(): void {
    this.#bye();
    this.#model.off("msg:custom", this.#onMessage);
    clearInterval(this.#timer);
    this.#disconnect?.();
    document.removeEventListener("visibilitychange", this.#askWhenLost);
    removeEventListener("pagehide", this.#bye);
    this.#rejectAll("closed");
  }

  /** Asks for a snapshot; until it comes, deltas are not applied. */
  hello(): void {
    this.#seq = null;
    this.#helloSince = Date.now();
    this.#send({ id: newId(), kind: "hello" });
  }

  /** Asks Python for something. Rejects with a `RequestError` when it is refused or the kernel is gone. */
  async request<T = unknown>(kind: string, fields: Record<string, unknown> = {}): Promise<T> {
    return (await this.requestWithBuffers<T>(kind, fields)).result;
  }

  /** `buffers` travel on the comm alone: twice would be too much, and what they belong to can wait for a cell. */
  requestWithBuffers<T = unknown>(
    kind: string,
    fields: Record<string, unknown> = {},
    buffers: ArrayBuffer[] = [],
  ): Promise<Answer<T>> {
    if (!this.alive.get()) return Promise.reject(new RequestError("gone", "error.gone"));
    const id = newId();
    return new Promise<Answer<T>>((resolve, reject) => {
      this.#pending.set(id, { kind, since: Date.now(), resolve: resolve as Waiting["resolve"], reject });
      this.#updateWaiting();
      this.#send({ ...fields, id, kind }, buffers);
    });
  }

  /** On the comm, and where there is one on the control channel: that one is heard while a cell runs. */
  #send(content: { id: string; kind: string }, buffers: ArrayBuffer[] = []): void {
    this.#lastSent = Date.now();
    try {
      if (buffers.length > 0) this.#model.send(content, undefined, buffers);
      else this.#model.send(content);
    } catch (error) {
      if (this.alive.get()) this.#events.onError(error);
      else console.error("nbtrain: nothing can be sent", error); // the panel says already that the kernel is gone
    }
    if (buffers.length === 0) void this.#sendControl(content);
  }

  async #sendControl(content: { id: string; kind: string }): Promise<void> {
    const kernel = this.#model.widget_manager?.kernel;
    if (!kernel?.sendControlMessage) return;
    const message = {
      channel: "control",
      header: {
        msg_id: newId(),
        msg_type: "nbtrain_request",
        session: kernel.clientId,
        username: kernel.username,
        version: "5.3",
        date: new Date().toISOString(),
      },
      parent_header: {},
      metadata: {},
      content: { ...content, widget: modelId(this.#model) },
      buffers: [],
    };
    try {
      await kernel.sendControlMessage(message, true, true).done;
    } catch (error) {
      // The copy on the comm carries the request; a kernel that went away is noticed by its heartbeat.
      console.error("nbtrain: the control channel did not take a request", error);
    }
  }

  readonly #onMessage = (message: Message, buffers: readonly DataView[] = []): void => {
    this.#heard();
    if (message.type === "reply") {
      this.#settle(message, buffers);
      return;
    }
    if (message.type === "snapshot") {
      this.#seq = message.seq;
      this.#helloSince = null;
      this.#deliver(message, buffers);
      return;
    }
    if (this.#seq === null) return; // the snapshot that was asked for holds this and more
    if (message.seq !== this.#seq + 1) {
      this.hello();
      return;
    }
    this.#seq = message.seq;
    if (message.type === "delta") this.#deliver(message, buffers);
  };

  #deliver(message: Snapshot | Delta, buffers: readonly DataView[]): void {
    try {
      this.#events.onData(message, buffers);
    } catch (error) {
      this.#events.onError(error);
    }
  }

  #settle(reply: Reply, buffers: readonly DataView[]): void {
    const waiting = this.#pending.get(reply.id);
    if (!waiting) {
      // An empty id is trouble nobody asked for; any other belongs to another view of the same widget.
      if (reply.id === "" && !reply.ok) this.#events.onError(refusal(reply));
      return;
    }
    this.#pending.delete(reply.id);
    this.#updateWaiting();
    if (reply.ok) waiting.resolve({ result: reply.result, buffers });
    else waiting.reject(refusal(reply));
  }

  readonly #watch = (): void => {
    const now = Date.now();
    const silence = now - this.#lastHeard;
    if (silence > GONE_AFTER_MS) this.#lose();
    else if (this.#helloSince !== null && now - this.#helloSince > GONE_AFTER_MS) this.hello();
    else if (silence > KNOCK_AFTER_MS && !this.#knocked) {
      this.#knocked = true;
      this.#here();
    } else if (this.#hasControlChannel && now - this.#lastSent > HERE_EVERY_MS) this.#here();
    this.#updateSlow(now);
  };

  /** Nobody looks at this view any more; another of the same panel says “here” when it misses its beat. */
  readonly #bye = (): void => {
    if (this.alive.get()) this.#send({ id: newId(), kind: "bye" });
  };

  /** Says that somebody looks, and asks for a snapshot only if Python thought that nobody does. */
  #here(): void {
    this.#send({ id: newId(), kind: "here" });
  }

  get #hasControlChannel(): boolean {
    return this.#model.widget_manager?.kernel?.sendControlMessage !== undefined;
  }

  #heard(): void {
    this.#lastHeard = Date.now();
    this.#knocked = false;
    if (this.alive.get()) return;
    this.alive.set(true);
    this.hello(); // whatever happened meanwhile was not heard
  }

  /** A page that slept, or lost its connection, may have been forgotten: Python speaks again when it is asked. */
  readonly #askWhenLost = (): void => {
    if (!this.alive.get() && document.visibilityState === "visible") this.hello();
  };

  #lose(): void {
    this.alive.set(false);
    this.#rejectAll("gone");
  }

  /** `kind` is "gone" or "closed"; its words are in the catalogue. */
  #rejectAll(kind: string): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#updateWaiting();
    for (const waiting of pending) waiting.reject(new RequestError(kind, `error.${kind}`));
  }

  #updateWaiting(): void {
    this.waiting.set(new Set([...this.#pending.values()].map((waiting) => waiting.kind)));
    this.#updateSlow(Date.now());
  }

  #updateSlow(now: number): void {
    const overdue = ({ kind, since }: Waiting): boolean =>
      !SHOWN.has(kind) && now - since > (PATIENT.has(kind) ? PATIENCE_MS : SLOW_AFTER_MS);
    this.slow.set([...this.#pending.values()].some(overdue));
  }

  /** A restart is known at once where the host tells, not only three seconds later. */
  #listenToKernel(): (() => void) | undefined {
    const kernel = this.#model.widget_manager?.kernel;
    if (!kernel) return undefined;
    const onStatus = (_: unknown, status: string): void => {
      if (LOST.has(status)) this.#lose();
    };
    const onConnection = (_: unknown, status: string): void => {
      if (status === "disconnected") this.#lose();
      else if (status === "connected") this.#askWhenLost();
    };
    kernel.statusChanged?.connect(onStatus);
    kernel.connectionStatusChanged?.connect(onConnection);
    return () => {
      kernel.statusChanged?.disconnect(onStatus);
      kernel.connectionStatusChanged?.disconnect(onConnection);
    };
  }
}

function refusal({ error }: Reply): RequestError {
  return new RequestError(error?.kind ?? "unknown", error?.message ?? "", error?.problems);
}

/** A fresh id. `crypto.randomUUID` is there on https and localhost only. */
export function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
