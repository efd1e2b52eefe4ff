/** Whether a request came from our own pages. */
import type { IncomingMessage } from 'node:http';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The cookie is sent along by the browser whoever asks, so what changes something must come from a
 * page of ours: by `Sec-Fetch-Site`, or by `Origin` where a browser sends only that. A request
 * with neither is no browser's and has no cookie of anybody's to misuse.
 */
export function isFromElsewhere(request: IncomingMessage): boolean {
  if (SAFE.has(request.method ?? 'GET') && request.headers.upgrade === undefined) return false;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  const origin = request.headers.origin;
  return origin !== undefined && hostOf(origin) !== request.headers.host;
}

function hostOf(origin: string): string {
  try {
    return new URL(origin).host;
  } catch {
    return '';
  }
}
