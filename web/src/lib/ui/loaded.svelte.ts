/** Something read from the API: what it is, whether it is under way, and why it failed. */
import { goto } from '$app/navigation';
import { page } from '$app/state';
import { RialtoError } from '$lib/api';

export class Loaded<T> {
  value = $state.raw<T | undefined>();
  fault = $state.raw<unknown>();
  isLoading = $state(false);
  private newest = 0;

  constructor(private readonly read: () => Promise<T>) {}

  /** Reads it, or reads it again; of two readings under way the later one counts. */
  async load(): Promise<void> {
    const mine = ++this.newest;
    this.isLoading = true;
    try {
      const value = await this.read();
      if (mine !== this.newest) return;
      this.value = value;
      this.fault = undefined;
    } catch (fault) {
      if (mine !== this.newest) return;
      this.fault = fault;
      if (fault instanceof RialtoError && fault.status === 401) await toLogin();
    } finally {
      if (mine === this.newest) this.isLoading = false;
    }
  }
}

/** The session is over: log in, then come back to where one was. */
export async function toLogin(): Promise<void> {
  const next = encodeURIComponent(page.url.pathname + page.url.search);
  await goto(`/login?ended=1&next=${next}`, { invalidateAll: true });
}
