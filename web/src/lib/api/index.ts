/** The generated client of the API, under the page's own address: the cookie says who we are. */
import { Rialto, RialtoError, Unreachable } from 'rialto-client';

export { RialtoError, Unreachable };
export type * from 'rialto-client';

/** In the browser; `load` functions make their own with the fetch they are given. */
export const rialto = new Rialto({ baseUrl: '' });

export function rialtoWith(fetcher: typeof fetch): Rialto {
  return new Rialto({ baseUrl: '', fetch: fetcher });
}

/** What a public page shows when a part of the API is away: nothing of it, and the rest. */
export async function orElse<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await answer;
  } catch {
    return otherwise;
  }
}
