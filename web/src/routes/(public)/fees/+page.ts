import { readFees } from '$lib/api/fees';
import { orElse } from '$lib/api';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch }) => ({ fees: await orElse(readFees(fetch), undefined) });
