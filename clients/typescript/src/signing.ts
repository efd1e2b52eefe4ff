/** Signs requests with an API key, by WebCrypto: HMAC-SHA256, or Ed25519 where the platform has it. */

export interface ApiKeyCredentials {
  apiKey: string;
  /** The secret of an HMAC key, or an Ed25519 private key. */
  secret: string | CryptoKey;
}

const encoder = new TextEncoder();

/** The headers of a signed request; `target` is the path with its query, as sent. */
export async function signed(
  key: ApiKeyCredentials,
  method: string,
  target: string,
  body: string,
  nowMs: number = Date.now(),
): Promise<Record<string, string>> {
  const timestamp = String(nowMs);
  const digest = hex(await crypto.subtle.digest("SHA-256", encoder.encode(body)));
  const payload = encoder.encode(`${timestamp}\n${method}\n${target}\n${digest}`);
  return {
    "X-API-Key": key.apiKey,
    "X-Timestamp": timestamp,
    "X-Signature": await signature(key.secret, payload),
  };
}

async function signature(secret: string | CryptoKey, payload: Uint8Array<ArrayBuffer>): Promise<string> {
  if (typeof secret !== "string") {
    const raw = await crypto.subtle.sign("Ed25519", secret, payload);
    return btoa(String.fromCharCode(...new Uint8Array(raw)));
  }
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), hmac, false, ["sign"]);
  return hex(await crypto.subtle.sign("HMAC", key, payload));
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
