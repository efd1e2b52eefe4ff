import type { Handle, HandleFetch } from '@sveltejs/kit';
import { languageOf } from '$lib/i18n/languages';

const API_URL = process.env['RIALTO_API_URL'] ?? 'http://127.0.0.1:8080';
const API_SECONDS_MAX = 15;
const SESSION_COOKIES = ['rialto_session', '__Host-rialto_session'];
const HEADERS: Record<string, string> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), geolocation=(), microphone=(), payment=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export const handle: Handle = async ({ event, resolve }) => {
  const { locals, cookies } = event;
  locals.language = languageOf(cookies.get('language'), event.request.headers.get('accept-language'));
  const theme = cookies.get('theme');
  locals.theme = theme === 'light' || theme === 'dark' ? theme : 'system';
  locals.signedIn = SESSION_COOKIES.some((name) => cookies.get(name) !== undefined);
  const response = await resolve(event, {
    transformPageChunk: ({ html }) =>
      html.replace('%rialto.language%', locals.language).replace('%rialto.theme%', locals.theme),
    filterSerializedResponseHeaders: (name) => name === 'content-type' || name === 'retry-after',
  });
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store');
  return response;
};

/** Pages read the API under their own address; on the server that is one hop less. */
export const handleFetch: HandleFetch = async ({ event, request, fetch }) => {
  const url = new URL(request.url);
  if (url.origin !== event.url.origin || !url.pathname.startsWith('/v1/')) return fetch(request);
  return fetch(new URL(url.pathname + url.search, API_URL), {
    method: request.method,
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(API_SECONDS_MAX * 1000),
  });
};
