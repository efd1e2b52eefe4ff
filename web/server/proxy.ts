/** `/v1/*` of the API under our own address: the cookie goes in, a bearer token comes out. */
import { request as send, Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as sendSecure } from 'node:https';
import { endedCookie, sessionCookie, tokenOf } from './cookies.js';
import { isFromElsewhere } from './origin.js';
import type { Settings } from './settings.js';

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const LOGIN_ANSWER_BYTES_MAX = 65_536;
const LOGINS = new Set(['/v1/sessions', '/v1/sessions:passkey']);
/** Between two hops, not for the other end (RFC 9110, section 7.6.1); and what we set ourselves. */
const NOT_PASSED_ON = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'cookie', 'authorization', 'host',
]);

export function proxy(settings: Settings, request: IncomingMessage, response: ServerResponse): void {
  if (isFromElsewhere(request)) {
    refuse(response, 403, 'not_allowed', 'this request came from another site');
    return;
  }
  const outgoing = (settings.apiUrl.protocol === 'https:' ? sendSecure : send)({
    host: settings.apiUrl.hostname,
    port: settings.apiUrl.port,
    method: request.method,
    path: request.url,
    headers: forwarded(settings, request),
    ...(settings.apiUrl.protocol === 'http:' ? { agent } : {}),
  });
  outgoing.on('response', (answer) => passBack(settings, request, answer, response));
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else refuse(response, 503, 'unavailable', 'the exchange cannot be reached at the moment');
  });
  response.on('close', () => outgoing.destroy());
  request.pipe(outgoing);
}

export function forwarded(settings: Settings, request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = { host: settings.apiUrl.host };
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !NOT_PASSED_ON.has(name)) headers[name] = String(value);
  }
  const address = request.socket.remoteAddress ?? '';
  const earlier = headers['x-forwarded-for'];
  headers['x-forwarded-for'] = earlier === undefined ? address : `${earlier}, ${address}`;
  const token = tokenOf(request, settings.isSecure);
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  return headers;
}

function passBack(
  settings: Settings, request: IncomingMessage, answer: IncomingMessage, response: ServerResponse,
): void {
  const status = answer.statusCode ?? 502;
  const path = (request.url ?? '').split('?')[0];
  const headers = { ...answer.headers };
  delete headers['connection'];
  delete headers['keep-alive'];
  if (request.method === 'POST' && LOGINS.has(path ?? '') && status === 201) {
    void keepToken(settings, answer, headers, response);
    return;
  }
  const isLogout = request.method === 'DELETE' && path === '/v1/sessions/current' && status === 204;
  // A wrong code is a 401 too, of a POST: then the session goes on.
  const isOver = status === 401 && request.method === 'GET' && tokenOf(request, settings.isSecure) !== undefined;
  if (isLogout || isOver) {
    headers['set-cookie'] = [endedCookie(settings.isSecure)];
  }
  response.writeHead(status, headers);
  answer.pipe(response);
}

/** The answer to a login: its token goes into the cookie and no further. */
async function keepToken(
  settings: Settings, answer: IncomingMessage, headers: IncomingMessage['headers'],
  response: ServerResponse,
): Promise<void> {
  try {
    const { token, ...rest } = JSON.parse(await textOf(answer)) as { token: string };
    const body = JSON.stringify({ ...rest, token: '' });
    delete headers['transfer-encoding'];
    response.writeHead(201, {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      'set-cookie': sessionCookie(token, settings.isSecure),
    });
    response.end(body);
  } catch {
    refuse(response, 503, 'unavailable', 'the answer to the login could not be read');
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += (chunk as Buffer).length;
    if (size > LOGIN_ANSWER_BYTES_MAX) throw new Error('too long for an answer to a login');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A problem document like the API's own, so that pages need to know one shape only. */
function refuse(response: ServerResponse, status: number, code: string, detail: string): void {
  const body = JSON.stringify({
    type: `/v1/errors/${code}`, title: detail, status, detail, instance: '', code, request_id: '',
  });
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(body);
}
