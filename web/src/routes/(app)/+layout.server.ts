import { redirect } from '@sveltejs/kit';
import type { LayoutServerLoad } from './$types';

/** Own pages are for the logged-in; the trading page can be looked at by anybody. */
export const load: LayoutServerLoad = ({ locals, url, route }) => {
  if (!locals.signedIn && route.id?.startsWith('/(app)/trade') !== true) {
    redirect(303, `/login?next=${encodeURIComponent(url.pathname + url.search)}`);
  }
};
