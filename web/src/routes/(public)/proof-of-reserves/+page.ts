import { orElse, rialtoWith } from '$lib/api';
import type { Bundle } from '$lib/reserves/verify';
import type { PageLoad } from './$types';

/** The newest published bundle, and the decimals to show its units in. */
export const load: PageLoad = async ({ fetch }) => {
  const assets = await orElse(rialtoWith(fetch).listAssets(), { data: [] });
  const scales = Object.fromEntries(assets.data.map((each) => [each.code, each.decimals]));
  return { bundle: await orElse(newest(fetch), undefined), scales };
};

async function newest(fetcher: typeof fetch): Promise<Bundle | undefined> {
  const answer = await fetcher('/v1/proof-of-reserves');
  // Read in any case: an answer that nobody reads keeps its connection, and is asked for again.
  const body: unknown = await answer.json();
  return answer.ok ? (body as Bundle) : undefined;
}
