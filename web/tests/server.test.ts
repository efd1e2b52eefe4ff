/** The web process in front of an API: real sockets on both sides. */
import assert from 'node:assert/strict';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { proxy } from '../server/proxy';
import { clientFrame, tunnel } from '../server/socket';

const TOKEN = 'a-token-of-sixteen-characters';
let seen: { headers: IncomingMessage['headers']; path: string } | undefined;
let firstFrame = '';
let api: Server;
let web: Server;

before(async () => {
  api = createServer((incoming, answer) => {
    seen = { headers: incoming.headers, path: incoming.url ?? '' };
    incoming.resume();
    if (incoming.method === 'POST' && incoming.url === '/v1/sessions') {
      answer.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ token: TOKEN, customer_id: '7' }));
    } else if (incoming.method === 'DELETE') answer.writeHead(204).end();
    else if (incoming.url === '/v1/ended') answer.writeHead(401, { 'content-type': 'application/problem+json' }).end('{}');
    else answer.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
  });
  api.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.once('data', (frame: Buffer) => {
      firstFrame = unmasked(frame);
      socket.end();
    });
  });
  await listening(api);
  const settings = { host: '127.0.0.1', port: 0, apiUrl: new URL(`http://127.0.0.1:${portOf(api)}`), isSecure: false };
  web = createServer((incoming, answer) => proxy(settings, incoming, answer));
  web.on('upgrade', (incoming, socket, head) => tunnel(settings, incoming, socket, head));
  await listening(web);
});
after(() => {
  for (const server of [web, api]) {
    server.close();
    server.closeAllConnections();
  }
});

function listening(server: Server): Promise<void> {
  return new Promise((done) => server.listen(0, '127.0.0.1', done));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function unmasked(frame: Buffer): string {
  const long = (frame[1]! & 0x7f) === 126;
  const [mask, payload] = [frame.subarray(long ? 4 : 2, long ? 8 : 6), frame.subarray(long ? 8 : 6)];
  return Buffer.from(payload.map((byte, place) => byte ^ mask[place % 4]!)).toString();
}

interface Answer { status: number; headers: IncomingMessage['headers']; body: string }

function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    request({ port: portOf(web), method, path, headers }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => (body += chunk)).on('end', () => done({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    }).on('error', fail).end();
  });
}

test('a login\'s token goes into a cookie that scripts cannot read, and out of the body', async () => {
  const { status, headers, body } = await ask('POST', '/v1/sessions', { 'sec-fetch-site': 'same-origin' });
  assert.equal(status, 201);
  assert.deepEqual(JSON.parse(body), { token: '', customer_id: '7' });
  const cookie = headers['set-cookie']?.[0] ?? '';
  assert.match(cookie, new RegExp(`^rialto_session=${TOKEN}; Path=/; HttpOnly; SameSite=Lax`));
});

test('the cookie goes on as a bearer token, and no cookie does', async () => {
  await ask('GET', '/v1/account', { cookie: `a=b; rialto_session=${TOKEN}` });
  assert.equal(seen?.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(seen?.headers.cookie, undefined);
});

test('a page cannot choose the token that goes on', async () => {
  await ask('GET', '/v1/account', { authorization: 'Bearer somebody-elses' });
  assert.equal(seen?.headers.authorization, undefined);
  await ask('GET', '/v1/account', { cookie: 'rialto_session=short' });
  assert.equal(seen?.headers.authorization, undefined);
});

test('another site\'s page can read nothing in and change nothing', async () => {
  const foreign: Record<string, string>[] = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }];
  for (const headers of foreign) {
    seen = undefined;
    const { status, body } = await ask('POST', '/v1/withdrawals', { cookie: `rialto_session=${TOKEN}`, ...headers });
    assert.equal(status, 403);
    assert.equal((JSON.parse(body) as { code: string }).code, 'not_allowed');
    assert.equal(seen, undefined, 'the API never hears of it');
  }
});

test('logging out and an ended session take the cookie away', async () => {
  const out = await ask('DELETE', '/v1/sessions/current', { 'sec-fetch-site': 'same-origin', cookie: `rialto_session=${TOKEN}` });
  assert.match(out.headers['set-cookie']?.[0] ?? '', /^rialto_session=; .*Max-Age=0/);
  const ended = await ask('GET', '/v1/ended', { cookie: `rialto_session=${TOKEN}` });
  assert.match(ended.headers['set-cookie']?.[0] ?? '', /Max-Age=0/);
});

function upgrade(headers: Record<string, string>): Promise<number> {
  return new Promise((done, fail) => {
    const asked = request({ port: portOf(web), path: '/v1/ws', headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x', 'sec-websocket-version': '13', ...headers } });
    asked.on('upgrade', (answer, socket) => socket.on('close', () => done(answer.statusCode ?? 0)).resume());
    asked.on('response', (answer) => done(answer.statusCode ?? 0)).on('error', fail).end();
  });
}

test('a WebSocket with the cookie begins with the command that logs in', async () => {
  assert.equal(await upgrade({ 'sec-fetch-site': 'same-origin', cookie: `rialto_session=${TOKEN}` }), 101);
  assert.deepEqual(JSON.parse(firstFrame), { op: 'auth', token: TOKEN, id: 'session' });
});

test('a WebSocket of another site is refused', async () => {
  assert.equal(await upgrade({ origin: 'https://evil.example', cookie: `rialto_session=${TOKEN}` }), 403);
});

test('frames of either length form are masked and whole', () => {
  for (const text of ['short', 'x'.repeat(125), 'x'.repeat(126), 'ü'.repeat(500)]) {
    const frame = clientFrame(text);
    assert.equal(frame[0], 0x81);
    assert.ok((frame[1]! & 0x80) !== 0);
    assert.equal(unmasked(frame), text);
  }
});
