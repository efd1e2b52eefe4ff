/** The web process: pages, files, and the API under the same address. */
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { compressed } from './compress.js';
import { proxy } from './proxy.js';
import { settingsOf } from './settings.js';
import { tunnel } from './socket.js';

const settings = settingsOf(process.env);
process.env['ORIGIN'] ??= `http://${settings.host}:${settings.port}`;
// @ts-expect-error It is there once the pages are built, beside this file's own build.
const { handler } = (await import('./handler.js')) as { handler: RequestListener };

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  if (path === '/healthz') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"healthy":true}');
  } else if (path.startsWith('/v1/') || path === '/v1') {
    proxy(settings, request, response);
  } else {
    void handler(request, compressed(request, response));
  }
});
server.on('upgrade', (request, socket, head) => tunnel(settings, request, socket, head));
server.keepAliveTimeout = 75_000; // Longer than that of the balancer in front of us.
server.listen(settings.port, settings.host);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), 2_000).unref(); // WebSockets come back to our successor.
  });
}
