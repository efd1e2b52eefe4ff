import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig, type Plugin } from 'vite';
import { proxy } from './server/proxy';
import { settingsOf } from './server/settings';
import { tunnel } from './server/socket';

/** `npm run dev` stands in front of the API just as our own server does. */
function api(): Plugin {
  const settings = settingsOf(process.env);
  return {
    name: 'rialto-api',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (request.url?.startsWith('/v1/') === true) proxy(settings, request, response);
        else next();
      });
      server.httpServer?.on('upgrade', (request, socket, head) => {
        if (request.url?.startsWith('/v1/') === true) tunnel(settings, request, socket, head);
      });
    },
  };
}

export default defineConfig({
  plugins: [api(), sveltekit()],
  build: { target: 'es2022', assetsInlineLimit: 0 },
  server: { fs: { allow: ['../clients'] } },
});
