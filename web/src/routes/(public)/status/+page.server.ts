import type { PageServerLoad } from './$types';

const API_URL = process.env['RIALTO_API_URL'] ?? 'http://127.0.0.1:8080';
const SECONDS_MAX = 4;

interface Part {
  healthy: boolean;
  detail: string;
}

/** Health of the parts, the state of every market, and whether the books tie. */
export const load: PageServerLoad = async () => {
  const [ready, markets, invariants] = await Promise.all([
    read<{ parts: Record<string, Part> }>('/readyz'),
    read<{ data: { id: string; state: string }[] }>('/v1/markets'),
    read<{ data: { asset: string; holds: boolean; checked_at: string | null }[] }>('/v1/status/invariants'),
  ]);
  return {
    checkedAt: new Date().toISOString(),
    parts: ready?.parts === undefined ? undefined : Object.entries(ready.parts).map(([name, part]) => ({ name, healthy: part.healthy })),
    markets: markets?.data ?? [],
    invariants: invariants?.data ?? [],
  };
};

/** Also the body of a 503: that is the answer when a part is down. */
async function read<T>(path: string): Promise<T | undefined> {
  try {
    const answer = await fetch(API_URL + path, { signal: AbortSignal.timeout(SECONDS_MAX * 1000) });
    return answer.ok || answer.status === 503 ? ((await answer.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}
