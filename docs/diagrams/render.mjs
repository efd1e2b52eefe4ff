// Draws every docs/diagrams/*.dot as an SVG beside it: `node docs/diagrams/render.mjs`.
// With --check it draws nothing and fails when a drawing is not what its source says.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { instance } from '@viz-js/viz';

const here = dirname(fileURLToPath(import.meta.url));
const viz = await instance();
const isCheck = process.argv.includes('--check');
let stale = 0;

for (const name of (await readdir(here)).filter((each) => each.endsWith('.dot')).sort()) {
  const source = await readFile(join(here, name), 'utf8');
  const drawn = viz.renderString(source, { format: 'svg' });
  const target = join(here, name.replace(/\.dot$/, '.svg'));
  if (!isCheck) {
    await writeFile(target, drawn);
    continue;
  }
  const kept = await readFile(target, 'utf8').catch(() => '');
  if (kept !== drawn) {
    console.error(`${target} is not what ${name} says: make diagrams`);
    stale += 1;
  }
}
process.exit(stale ? 1 : 0);
