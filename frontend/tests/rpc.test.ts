import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { KernelConnection } from "../src/shared/model";
import { newId, RequestError, Rpc } from "../src/shared/rpc";
import { FakeModel } from "./fake";

type Slot = (sender: unknown, value: string) => void;

class FakeSignal {
  slots: Slot[] = [];
  connect(slot: Slot): void {
    this.slots.push(slot);
  }
  disconnect(slot: Slot): void {
    this.slots = this.slots.filter((known) => known !== slot);
  }
  emit(value: string): void {
    for (const slot of this.slots) slot(this, value);
  }
}

let model: FakeModel;
let rpc: Rpc;
const onData = vi.fn();
const onError = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  onData.mockReset();
  onError.mockReset();
  model = new FakeModel();
  rpc = new Rpc(model, { onData, onError });
});

afterEach(() => {
  rpc.close();
  vi.useRealTimers();
});

describe("requests", () => {
  it("resolve by id, whatever the order of the answers", async () => {
    rpc.open();
    const runs = rpc.request("runs");
    const subjects = rpc.request("subjects");
    model.accept("subjects", { subjects: [] });
    model.accept("runs", { rows: [1] });
    expect(await runs).toEqual({ rows: [1] });
    expect(await subjects).toEqual({ subjects: [] });
  });

  it("reject with what Python found wrong", async () => {
    rpc.open();
    const start = rpc.request("start", { options: {} });
    model.refuse("start", { kind: "ConfigError", message: "no", problems: [{ field: "epochs", message: "too many" }] });
    const error = await start.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ kind: "ConfigError", problems: [{ field: "epochs", message: "too many" }] });
  });

  it("ignore a second answer and answers to other views", async () => {
    rpc.open();
    const pause = rpc.request("pause");
    model.message({ type: "reply", id: "someone else's", ok: true, result: "no" });
    model.accept("pause", "first");
    model.accept("pause", "second");
    expect(await pause).toBe("first");
    expect(onError).not.toHaveBeenCalled();
  });

  it("report trouble that nobody asked for", () => {
    rpc.open();
    model.message({ type: "reply", id: "", ok: false, error: { kind: "OSError", message: "disk full", problems: [] } });
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: "disk full" }));
  });

  it("cannot overwrite id and kind by their fields", () => {
    rpc.open();
    void rpc.request("start", { id: "mine", kind: "stop" }).catch(() => {});
    expect(model.sent.at(-1)).toMatchObject({ kind: "start" });
    expect(model.sent.at(-1)?.id).not.toBe("mine");
  });

  it("say that the kernel is slow after a second, and no longer once it answered", async () => {
    rpc.open();
    const pause = rpc.request("pause");
    expect(rpc.waiting.get()).toEqual(new Set(["pause"]));
    vi.advanceTimersByTime(900);
    expect(rpc.slow.get()).toBe(false);
    vi.advanceTimersByTime(700);
    expect(rpc.slow.get()).toBe(true);
    model.accept("pause");
    await pause;
    expect(rpc.slow.get()).toBe(false);
    expect(rpc.waiting.get().size).toBe(0);
  });
});

describe("requests that take their time", () => {
  it("do not make the kernel look busy at once", () => {
    rpc.open();
    rpc.request("start").catch(() => {});
    for (let second = 1; second <= 11; second++) {
      vi.advanceTimersByTime(1000);
      model.snapshot();
      expect(rpc.slow.get(), `after ${second} s`).toBe(second > 10);
    }
  });
});

describe("the control channel", () => {
  it("gets a copy with the same id and the widget's", async () => {
    const sendControlMessage = vi.fn((_: object) => ({ done: Promise.resolve() }));
    model.widget_manager = { kernel: { clientId: "session", username: "u", sendControlMessage } };
    rpc.open();
    void rpc.request("pause").catch(() => {});
    const copy = sendControlMessage.mock.calls.at(-1)?.[0];
    expect(copy).toMatchObject({
      channel: "control",
      header: { msg_type: "nbtrain_request", session: "session" },
      content: { kind: "pause", id: model.last("pause").id, widget: "widget-1" },
    });
  });

  it("may fail without an unhandled error, and the comm carries on", async () => {
    const kernel: KernelConnection = {
      clientId: "session",
      username: "u",
      sendControlMessage: () => ({ done: Promise.reject(new Error("kernel died")) }),
    };
    vi.spyOn(console, "error").mockImplementation(() => {});
    model.widget_manager = { kernel };
    rpc.open();
    const pause = rpc.request("pause");
    await vi.advanceTimersByTimeAsync(10);
    model.accept("pause", "ok");
    expect(await pause).toBe("ok");
    expect(console.error).toHaveBeenCalled();
  });
});

describe("snapshots and deltas", () => {
  it("ask hello when opened, and deliver what follows without a gap", () => {
    rpc.open();
    expect(model.of("hello")).toHaveLength(1);
    model.snapshot();
    model.push({ type: "delta", states: [], series: [] });
    expect(onData).toHaveBeenCalledTimes(2);
  });

  it("ask hello again at a gap, and apply nothing until the snapshot", () => {
    rpc.open();
    model.snapshot();
    model.seq += 1; // one message was lost
    model.push({ type: "delta", states: [], series: [] });
    expect(model.of("hello")).toHaveLength(2);
    model.push({ type: "delta", states: [], series: [] });
    expect(onData).toHaveBeenCalledTimes(1);
    expect(model.of("hello")).toHaveLength(2);
    model.snapshot();
    model.push({ type: "delta", states: [], series: [] });
    expect(onData).toHaveBeenCalledTimes(3);
  });

  it("notice a lost message by the beat after it", () => {
    rpc.open();
    model.snapshot();
    model.seq += 1;
    model.beat();
    expect(model.of("hello")).toHaveLength(2);
  });

  it("report a message that cannot be taken in, and go on", () => {
    onData.mockImplementationOnce(() => {
      throw new RangeError("short buffer");
    });
    rpc.open();
    model.snapshot();
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: "short buffer" }));
    model.push({ type: "delta", states: [], series: [] });
    expect(onData).toHaveBeenCalledTimes(2);
  });
});

describe("the heartbeat", () => {
  it("missing for three seconds means gone; whatever waits is told", async () => {
    rpc.open();
    model.snapshot();
    const pause = rpc.request("pause").catch((reason: unknown) => reason);
    vi.advanceTimersByTime(2900);
    expect(rpc.alive.get()).toBe(true);
    vi.advanceTimersByTime(700);
    expect(rpc.alive.get()).toBe(false);
    expect(await pause).toMatchObject({ kind: "gone" });
    await expect(rpc.request("stop")).rejects.toMatchObject({ kind: "gone" });
  });

  it("coming back makes it alive, with a fresh snapshot asked for", () => {
    rpc.open();
    model.snapshot();
    vi.advanceTimersByTime(4000);
    const before = model.of("hello").length;
    model.beat();
    expect(rpc.alive.get()).toBe(true);
    expect(model.of("hello")).toHaveLength(before + 1);
  });

  it("knocks once when it misses: another view may have said bye", () => {
    rpc.open();
    model.snapshot();
    vi.advanceTimersByTime(2500);
    expect(model.of("here")).toHaveLength(1);
    expect(model.of("hello")).toHaveLength(1);
    model.accept("here");
    vi.advanceTimersByTime(1000);
    expect(rpc.alive.get()).toBe(true);
  });

  it("is answered each minute where Python counts on it", () => {
    for (const [sendControlMessage, said] of [
      [undefined, 0],
      [() => ({ done: Promise.resolve() }), 2],
    ] as const) {
      model = new FakeModel();
      model.widget_manager = {
        kernel: { clientId: "s", username: "u", ...(sendControlMessage && { sendControlMessage }) },
      };
      const one = new Rpc(model, { onData, onError });
      one.open();
      model.snapshot();
      for (let second = 0; second < 150; second++) {
        vi.advanceTimersByTime(1000);
        model.beat();
      }
      expect(model.of("here")).toHaveLength(said);
      one.close();
    }
  });

  it("is asked for again when the page comes back into sight, or its connection does", () => {
    const connectionStatusChanged = new FakeSignal();
    model.widget_manager = { kernel: { clientId: "s", username: "u", connectionStatusChanged } };
    rpc.open();
    model.snapshot();
    document.dispatchEvent(new Event("visibilitychange"));
    expect(model.of("hello")).toHaveLength(1); // all is well
    vi.advanceTimersByTime(600_000);
    expect(rpc.alive.get()).toBe(false);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(model.of("hello")).toHaveLength(2);
    connectionStatusChanged.emit("connected");
    expect(model.of("hello")).toHaveLength(3);
    model.snapshot();
    expect(rpc.alive.get()).toBe(true);
  });

  it("regular beats keep it alive", () => {
    rpc.open();
    model.snapshot();
    for (let second = 0; second < 20; second++) {
      vi.advanceTimersByTime(1000);
      model.beat();
    }
    expect(rpc.alive.get()).toBe(true);
    expect(model.of("hello")).toHaveLength(1);
  });
});

describe("the kernel's own signals", () => {
  it("a restart is known at once, and the slots are taken off again", () => {
    const statusChanged = new FakeSignal();
    const connectionStatusChanged = new FakeSignal();
    model.widget_manager = { kernel: { clientId: "s", username: "u", statusChanged, connectionStatusChanged } };
    rpc.open();
    model.snapshot();
    statusChanged.emit("busy");
    expect(rpc.alive.get()).toBe(true);
    statusChanged.emit("restarting");
    expect(rpc.alive.get()).toBe(false);
    model.beat();
    connectionStatusChanged.emit("disconnected");
    expect(rpc.alive.get()).toBe(false);
    rpc.close();
    expect(statusChanged.slots).toHaveLength(0);
    expect(connectionStatusChanged.slots).toHaveLength(0);
  });
});

describe("closing", () => {
  it("says bye, stops listening, and tells what waits", async () => {
    rpc.open();
    model.snapshot();
    const pause = rpc.request("pause").catch((reason: unknown) => reason);
    rpc.close();
    expect(model.of("bye")).toHaveLength(1);
    expect(await pause).toMatchObject({ kind: "closed" });
    model.push({ type: "delta", states: [], series: [] });
    expect(onData).toHaveBeenCalledTimes(1);
  });
});

describe("a page that is left", () => {
  it("says bye, once", () => {
    rpc.open();
    model.snapshot();
    dispatchEvent(new Event("pagehide"));
    expect(model.of("bye")).toHaveLength(1);
    rpc.close();
    dispatchEvent(new Event("pagehide"));
    expect(model.of("bye")).toHaveLength(2); // its own, for closing
  });
});

describe("ids", () => {
  it("are made without randomUUID too, as on plain http", () => {
    vi.stubGlobal("crypto", { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) });
    const ids = new Set(Array.from({ length: 100 }, newId));
    vi.unstubAllGlobals();
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});
