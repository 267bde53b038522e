/** A file on its way to the kernel: in chunks, each acknowledged, so that it can go on after a break. */

import { RequestError, type Rpc } from "../rpc";
import { Signal } from "../signal";

/** A file that has not arrived whole yet: so many of its bytes are here. */
export interface Begun {
  upload: string;
  name: string;
  size: number;
  have: number;
}

/** What may be said of how files are read or imported; what is not there is found out from the file. */
export type ReadOptions = Record<string, string | boolean>;

export type UploadPhase = "sending" | "waiting" | "sent" | "failed" | "cancelled";

export interface UploadState {
  phase: UploadPhase;
  /** Bytes the kernel has, of how many. */
  have: number;
  size: number;
  /** Bytes a second, null until it can be said. */
  rate: number | null;
  error: unknown;
  /** The file's SHA-256, by the kernel, once it is whole. */
  sha256: string | null;
}

export interface Arrived {
  task: string;
  sha256: string;
}

/** The rate is that of about so many seconds. */
const RATE_OVER_S = 3;

export class Upload {
  readonly state: Signal<UploadState>;
  readonly #rpc: Rpc;
  readonly #chunk: number;
  #upload: string | null = null;
  /** All of it was sent: should the answer be lost, it need not be sent again. */
  #whole = false;
  #cancelled = false;

  constructor(
    rpc: Rpc,
    readonly file: File,
    /** How it is to be read once it is there. */
    readonly options: ReadOptions,
    chunk: number,
  ) {
    this.#rpc = rpc;
    this.#chunk = chunk;
    this.state = new Signal<UploadState>({
      phase: "sending",
      have: 0,
      size: file.size,
      rate: null,
      error: null,
      sha256: null,
    });
  }

  /** Sends all that the kernel does not have yet, then has the file imported. Null when it was called off or failed. */
  run(): Promise<Arrived | null> {
    return this.#sentThen(async (upload) => {
      const arrived = await this.#rpc.request<Arrived>("uploaded", { upload, options: this.options });
      this.#set({ phase: "sent", sha256: arrived.sha256 });
      return arrived;
    });
  }

  /** Sends all that the kernel does not have yet: the upload's id. Null when it was called off or failed. */
  arrive(): Promise<string | null> {
    return this.#sentThen(async (upload) => {
      this.#set({ phase: "sent" });
      return upload;
    });
  }

  /** Calls it off; what has arrived is thrown away. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#set({ phase: "cancelled" });
    if (this.#upload !== null) await this.#rpc.request("drop_upload", { upload: this.#upload });
  }

  /** Sends, waiting for the kernel where it is gone, and does the rest once all has arrived. */
  async #sentThen<T>(finish: (upload: string) => Promise<T>): Promise<T | null> {
    while (!this.#cancelled) {
      try {
        this.#set({ phase: "sending", error: null });
        if (!this.#whole) await this.#send();
        if (this.#cancelled || this.#upload === null) break;
        this.#whole = true;
        return await finish(this.#upload);
      } catch (error) {
        if (!(error instanceof RequestError && error.kind === "gone")) {
          this.#whole = false;
          if (!this.#cancelled) this.#set({ phase: "failed", error });
          return null;
        }
        this.#set({ phase: "waiting", rate: null });
        await this.#kernelIsBack();
      }
    }
    return null;
  }

  async #send(): Promise<void> {
    const { file } = this;
    const begun = await this.#rpc.request<Begun>("upload", {
      name: file.name,
      size: file.size,
      stamp: await this.#stamp(),
    });
    this.#upload = begun.upload;
    let have = begun.have;
    if (have > 0) await this.#check(begun.upload, have);
    let sentAt = performance.now();
    this.#set({ have });
    while (have < file.size && !this.#cancelled) {
      const bytes = await file.slice(have, have + this.#chunk).arrayBuffer();
      const fields = { upload: begun.upload, offset: have, digest: await digestOf(bytes) };
      const { result } = await this.#rpc.requestWithBuffers<{ have: number }>("chunk", fields, [bytes]);
      const now = performance.now();
      // No further than was sent, though another page may be ahead: its file may be another one.
      const taken = Math.min(result.have - have, bytes.byteLength);
      this.#measure(taken, (now - sentAt) / 1000);
      sentAt = now;
      have += taken;
    }
  }

  /** Tells the file from others of its name and size: when it was changed, and how it begins and ends. */
  async #stamp(): Promise<string> {
    const { file } = this;
    const ends = [file.slice(0, this.#chunk), file.slice(Math.max(0, file.size - this.#chunk))];
    const digests = await Promise.all(ends.map(async (end) => digestOf(await end.arrayBuffer())));
    return [file.lastModified, ...digests].join(" ");
  }

  /** Has the kernel compare what it has with how this file begins: another file may have the same stamp. */
  async #check(upload: string, have: number): Promise<void> {
    const digests: string[] = [];
    for (let start = 0; start < have && !this.#cancelled; start += this.#chunk) {
      const piece = this.file.slice(start, Math.min(start + this.#chunk, have));
      digests.push(await digestOf(await piece.arrayBuffer()));
    }
    if (this.#cancelled) return;
    const digest = await digestOf(new TextEncoder().encode(digests.join("")).buffer);
    await this.#rpc.request("check_upload", { upload, have, digest });
  }

  #measure(bytes: number, seconds: number): void {
    const { have, rate } = this.state.get();
    const now = bytes / Math.max(seconds, 1e-3);
    const weight = Math.min(1, seconds / RATE_OVER_S);
    this.#set({ have: have + bytes, rate: rate === null ? now : rate + (now - rate) * weight });
  }

  #kernelIsBack(): Promise<void> {
    const { alive } = this.#rpc;
    if (alive.get()) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = alive.subscribe(() => {
        if (!alive.get()) return;
        stop();
        resolve();
      });
    });
  }

  #set(change: Partial<UploadState>): void {
    if (this.#cancelled && change.phase !== "cancelled") return;
    this.state.set({ ...this.state.get(), ...change });
  }
}

/** SHA-256 in 64 hexadecimal digits; CRC-32 in 8 where the page has no cryptography (plain http, not localhost). */
export async function digestOf(bytes: ArrayBuffer): Promise<string> {
  if (typeof crypto.subtle?.digest !== "function") return crc32(new Uint8Array(bytes));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** By ISO 3309, as zlib's. */
export function crc32(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? 0xedb88320 ^ (entry >>> 1) : entry >>> 1;
  return entry;
});
