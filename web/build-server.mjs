// Our own server around the pages: it stands in front of the API and keeps the session cookie.
import { build } from 'esbuild';

await build({
  entryPoints: ['server/main.ts'],
  outfile: 'build/server.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['./handler.js'],
  logLevel: 'warning',
});
