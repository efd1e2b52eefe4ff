/** Requests and answers: addresses, credentials, problem documents. */
import type { ErrorCode, FieldError, Problem } from "./schemas.js";
import { signed, type ApiKeyCredentials } from "./signing.js";

export type Credentials = { token: string } | ApiKeyCredentials;

export interface TransportOptions {
  /** Such as `https://api.example.com`; empty for the page's own origin. */
  baseUrl?: string;
  credentials?: Credentials;
  fetch?: typeof fetch;
  /** Of one call, in milliseconds. */
  timeoutMs?: number;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Your id of this intent; calls that honour one get a fresh one unless you give yours. */
  idempotencyKey?: string;
}

export interface Call {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  body?: unknown;
  isForm?: true;
  hasKey?: true;
}

/** The exchange said no. Branch on `code`. */
export class RialtoError extends Error {
  constructor(
    readonly problem: Problem,
    /** Seconds to wait before trying again, where the exchange said so. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = "RialtoError";
  }

  get code(): ErrorCode {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  get fields(): FieldError[] {
    return this.problem.errors ?? [];
  }
}

/** No answer came: of a change the outcome is unknown. Repeat it with the same `idempotencyKey`. */
export class Unreachable extends Error {
  constructor(
    override readonly cause: unknown,
    readonly idempotencyKey: string | undefined,
  ) {
    super("the exchange could not be reached");
    this.name = "Unreachable";
  }
}

export class Transport {
  credentials: Credentials | undefined;
  readonly baseUrl: string;
  private readonly fetch: typeof fetch;
  private readonly timeoutMs: number;

  constructor(options: TransportOptions) {
    this.baseUrl = (options.baseUrl ?? "").replace(/\/$/, "");
    this.credentials = options.credentials;
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.timeoutMs = options.timeoutMs ?? 30_000;
  }

  async call<T>(call: Call, options: CallOptions): Promise<T> {
    const target = call.path + queryText(call.query ?? {});
    const body = bodyOf(call);
    const headers = new Headers();
    if (typeof body === "string") headers.set("Content-Type", "application/json");
    const key = call.hasKey ? (options.idempotencyKey ?? crypto.randomUUID()) : undefined;
    if (key !== undefined) headers.set("Idempotency-Key", key);
    await this.authorize(headers, call.method, target, body);
    const init: RequestInit = { method: call.method, headers, signal: this.signal(options) };
    if (body !== undefined) init.body = body;
    let response: Response;
    try {
      response = await this.fetch(this.baseUrl + target, init);
    } catch (fault) {
      if (options.signal?.aborted) throw fault;
      throw new Unreachable(fault, key);
    }
    return (await answerOf(response)) as T;
  }

  private signal(options: CallOptions): AbortSignal {
    const timeout = AbortSignal.timeout(this.timeoutMs);
    return options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  }

  private async authorize(
    headers: Headers,
    method: string,
    target: string,
    body: string | FormData | undefined,
  ): Promise<void> {
    const known = this.credentials;
    if (known === undefined) return;
    if ("token" in known) {
      headers.set("Authorization", `Bearer ${known.token}`);
      return;
    }
    if (body instanceof FormData) throw new TypeError("files can only be sent in a session");
    for (const [name, value] of Object.entries(await signed(known, method, target, body ?? ""))) {
      headers.set(name, value);
    }
  }
}

function bodyOf(call: Call): string | FormData | undefined {
  if (call.body === undefined) return undefined;
  if (!call.isForm) return JSON.stringify(call.body);
  const form = new FormData();
  for (const [name, value] of Object.entries(call.body as Record<string, string | Blob>)) {
    form.append(name, value);
  }
  return form;
}

async function answerOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  const isJson = /[/+]json\b/.test(response.headers.get("Content-Type") ?? "");
  const body: unknown = isJson ? await response.json() : undefined;
  if (response.ok) return body;
  const wait = Number(response.headers.get("Retry-After") ?? Number.NaN);
  throw new RialtoError(problemOf(response, body), Number.isFinite(wait) ? wait : undefined);
}

/** What stands between us and the exchange may answer in its own words. */
function problemOf(response: Response, body: unknown): Problem {
  if (typeof body === "object" && body !== null && "code" in body) return body as Problem;
  return {
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    detail: `the answer was ${response.status} without a problem document`,
    instance: new URL(response.url, "http://localhost").pathname,
    code: response.status === 503 ? "unavailable" : "internal_error",
    request_id: response.headers.get("X-Request-Id") ?? "",
  };
}

function queryText(query: Record<string, unknown>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) pairs.append(name, String(each));
  }
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}
