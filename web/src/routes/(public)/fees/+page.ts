import { orElse, rialtoWith } from '$lib/api';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch }) => ({ fees: await orElse(rialtoWith(fetch).readFees(), undefined) });
