// The unit tests: each file of web/tests bundled as the pages are, then run by Node's own runner.
import { build, transform } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileModule } from 'svelte/compiler';

const here = dirname(fileURLToPath(import.meta.url));
const web = dirname(here);

/** Runes in modules, compiled as the build does it. */
const runes = {
  name: 'runes',
  setup(builder) {
    builder.onLoad({ filter: /\.svelte\.ts$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', target: 'esnext' });
      return { contents: compileModule(code, { filename: path, generate: 'client' }).js.code, loader: 'js' };
    });
  },
};

// Inside web/, so that what stays outside of the bundle is found.
const out = mkdtempSync(join(web, '.unit-'));
try {
  const files = readdirSync(here).filter((name) => name.endsWith('.test.ts'));
  await build({
    entryPoints: files.map((name) => join(here, name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['browser'],
    alias: { $lib: join(web, 'src/lib'), 'rialto-client': join(web, '../clients/typescript/src/index.ts') },
    plugins: [runes],
    logLevel: 'warning',
  });
  const tests = files.map((name) => join(out, name.replace(/\.ts$/, '.mjs')));
  const { status } = spawnSync(process.execPath, ['--test', ...tests], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
