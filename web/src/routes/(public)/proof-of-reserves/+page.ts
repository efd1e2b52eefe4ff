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
  return answer.ok ? ((await answer.json()) as Bundle) : undefined;
}
