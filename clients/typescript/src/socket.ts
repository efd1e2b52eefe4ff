/** `/v1/ws`: one connection that comes back by itself, with its subscriptions. */
import type { Problem } from "./schemas.js";
import { signed } from "./signing.js";
import { RialtoError, type Credentials } from "./transport.js";

const PATH = "/v1/ws";

export type SocketMessage = { type: string } & Record<string, unknown>;

export interface Subscription {
  channel:
    | "book"
    | "book_orders"
    | "trades"
    | "ticker"
    | "candles"
    | "orders"
    | "fills"
    | "balances"
    | "deposits"
    | "withdrawals";
  market?: string;
  /** Of candles. */
  interval?: string;
}

export interface SocketOptions {
  /** Such as `wss://api.example.com`. */
  url: string;
  credentials?: Credentials;
  /** Everything but the answers to commands. */
  onMessage: (message: SocketMessage) => void;
  /** `open` after the first connection and each one that follows a loss, once authenticated. */
  onState?: (state: "open" | "lost" | "closed") => void;
  /** The last sequence of a book you follow: after a loss only what was missed is sent. */
  resumeFrom?: (subscription: Subscription) => number | undefined;
  WebSocket?: typeof WebSocket;
}

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (fault: Error) => void;
}

export class RialtoSocket {
  private socket: WebSocket | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly subscriptions = new Map<string, Subscription>();
  private nextId = 1;
  private attempts = 0;
  private isClosed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SocketOptions) {
    this.connect();
  }

  /** Send a command; its result. Rejects with `RialtoError`, or when the connection is lost. */
  ask(op: string, fields: Record<string, unknown> = {}): Promise<unknown> {
    const socket = this.socket;
    if (socket?.readyState !== 1) return Promise.reject(new Error("the connection is not open"));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ ...fields, op, id }));
    });
  }

  /** Follow a channel from now on, also over later connections. */
  async subscribe(subscription: Subscription): Promise<void> {
    this.subscriptions.set(nameOf(subscription), subscription);
    if (this.socket?.readyState === 1) await this.ask("subscribe", { ...subscription });
  }

  async unsubscribe(subscription: Subscription): Promise<void> {
    this.subscriptions.delete(nameOf(subscription));
    if (this.socket?.readyState === 1) await this.ask("unsubscribe", { ...subscription });
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.socket?.close(1000);
    this.options.onState?.("closed");
  }

  private connect(): void {
    const Socket = this.options.WebSocket ?? globalThis.WebSocket;
    const socket = new Socket(this.options.url.replace(/\/$/, "") + PATH);
    this.socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => this.take(JSON.parse(event.data) as SocketMessage);
    socket.onclose = () => this.lost(socket);
    socket.onerror = () => undefined; // A close follows.
  }

  private take(message: SocketMessage): void {
    if (message.type === "hello") {
      void this.begin();
      return;
    }
    const id = typeof message["id"] === "number" ? message["id"] : undefined;
    const waiting = id === undefined ? undefined : this.waiting.get(id);
    if (id === undefined || waiting === undefined) {
      this.options.onMessage(message);
      return;
    }
    this.waiting.delete(id);
    if (message.type === "error") {
      waiting.reject(new RialtoError(message["problem"] as Problem, undefined));
    } else {
      waiting.resolve(message["result"]);
    }
  }

  private async begin(): Promise<void> {
    try {
      if (this.options.credentials !== undefined) {
        await this.ask("auth", await authFields(this.options.credentials));
      }
      // All at once: one round trip, however many there are.
      await Promise.all([...this.subscriptions.values()].map((each) => this.resume(each)));
      this.attempts = 0;
      this.options.onState?.("open");
    } catch (fault) {
      if (fault instanceof RialtoError && fault.status === 401) this.close();
      else this.socket?.close();
    }
  }

  private resume(subscription: Subscription): Promise<unknown> {
    const sequence = this.options.resumeFrom?.(subscription);
    const from = sequence === undefined ? {} : { from_sequence: sequence };
    return this.ask("subscribe", { ...subscription, ...from });
  }

  private lost(socket: WebSocket): void {
    if (socket !== this.socket) return;
    for (const each of this.waiting.values()) each.reject(new Error("the connection was lost"));
    this.waiting.clear();
    if (this.isClosed) return;
    this.options.onState?.("lost");
    const longest = Math.min(30_000, 500 * 2 ** this.attempts++);
    this.timer = setTimeout(() => this.connect(), longest * (0.5 + Math.random() / 2));
  }
}

async function authFields(credentials: Credentials): Promise<Record<string, string>> {
  if ("token" in credentials) return { token: credentials.token };
  const headers = await signed(credentials, "GET", PATH, "");
  return {
    api_key: credentials.apiKey,
    timestamp: headers["X-Timestamp"] ?? "",
    signature: headers["X-Signature"] ?? "",
  };
}

function nameOf(subscription: Subscription): string {
  return [subscription.channel, subscription.market, subscription.interval].join(" ");
}
