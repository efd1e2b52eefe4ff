/**
 * `/v1/ws`: a tunnel to the API. With a session cookie the first frame is ours: the command that
 * logs in, so that the page's script never holds the token.
 */
import { randomBytes } from 'node:crypto';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { tokenOf } from './cookies.js';
import { isFromElsewhere } from './origin.js';
import { forwarded } from './proxy.js';
import type { Settings } from './settings.js';

const PATH = '/v1/ws';
const HEAD_BYTES_MAX = 16_384;
const PASSED = ['sec-websocket-key', 'sec-websocket-version', 'user-agent', 'origin'];

export function tunnel(settings: Settings, request: IncomingMessage, browser: Duplex, head: Buffer): void {
  const path = (request.url ?? '').split('?')[0];
  browser.on('error', () => browser.destroy());
  if (path !== PATH || isFromElsewhere(request)) {
    browser.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  const api = connectTo(settings.apiUrl);
  const end = (): void => {
    api.destroy();
    browser.destroy();
  };
  api.on('error', end).on('close', end);
  browser.on('close', end);
  api.write(handshake(settings, request));
  const token = tokenOf(request, settings.isSecure);
  afterHandshake(api, (answer, rest) => {
    if (answer.startsWith('HTTP/1.1 101') && token !== undefined) {
      api.write(clientFrame(JSON.stringify({ op: 'auth', token, id: 'session' })));
    }
    browser.write(answer);
    browser.write(rest);
    if (head.length > 0) api.write(head);
    browser.pipe(api);
    api.pipe(browser);
  });
}

function connectTo(url: URL): Socket {
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
  if (url.protocol === 'https:') return connectSecure({ host: url.hostname, port, servername: url.hostname });
  return connectPlain({ host: url.hostname, port });
}

/** Without extensions: the API sends ready-made frames, and we add one of our own. */
function handshake(settings: Settings, request: IncomingMessage): string {
  const passed = forwarded(settings, request);
  const lines = [
    `GET ${PATH} HTTP/1.1`,
    `Host: ${settings.apiUrl.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    `X-Forwarded-For: ${passed['x-forwarded-for'] ?? ''}`,
    ...PASSED.filter((name) => passed[name] !== undefined).map((name) => `${name}: ${passed[name]}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function afterHandshake(api: Socket, then: (answer: string, rest: Buffer) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf('\r\n\r\n');
    if (end < 0) {
      if (seen.length > HEAD_BYTES_MAX) api.destroy();
      return;
    }
    api.off('data', take);
    api.pause();
    then(seen.subarray(0, end + 4).toString('latin1'), seen.subarray(end + 4));
  };
  api.on('data', take);
}

/** A masked text frame (RFC 6455, section 5.2), as clients send them. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text, 'utf8');
  const mask = randomBytes(4);
  const size =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  const masked = payload.map((byte, place) => byte ^ (mask[place % 4] ?? 0));
  return Buffer.concat([size, mask, masked]);
}
