import { rialtoWith, orElse } from '$lib/api';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => ({
  found: await orElse(rialtoWith(fetch).exploreTransaction(params.chain, params.txid), undefined),
  ...params,
});
