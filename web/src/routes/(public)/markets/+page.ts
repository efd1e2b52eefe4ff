import { orElse, rialtoWith } from '$lib/api';
import { overviewOf } from '$lib/markets/overview';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch }) => ({
  overviews: await orElse(overviewOf(rialtoWith(fetch)), []),
});
