import type { PageServerLoad } from './$types';

/** Decisions are made in the Temporal UI, behind the staff portal's own login: here are only ways. */
export const load: PageServerLoad = () => ({
  portal: process.env['RIALTO_STAFF_URL'] ?? '',
});
