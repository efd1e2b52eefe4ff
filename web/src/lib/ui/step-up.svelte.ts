/** Some actions need the second factor to have been proved lately: ask for it, then go on. */
import { stepUpWithPasskey } from '$lib/account/passkeys';
import { rialto } from '$lib/api';
import { isCode } from '$lib/api/explain';

interface Asked {
  resolve: () => void;
  reject: (fault: Error) => void;
}

export class GivenUp extends Error {}

class StepUp {
  asked = $state.raw<Asked | undefined>();

  /** Runs `action`; where it is refused for want of a code, once more after the code. */
  async with<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (fault) {
      if (!isCode(fault, 'second_factor_required')) throw fault;
      await new Promise<void>((resolve, reject) => (this.asked = { resolve, reject }));
      return await action();
    }
  }

  async prove(code: string): Promise<void> {
    await rialto.stepUp({ code });
    this.proved();
  }

  async proveByPasskey(): Promise<void> {
    await stepUpWithPasskey();
    this.proved();
  }

  private proved(): void {
    this.asked?.resolve();
    this.asked = undefined;
  }

  giveUp(): void {
    this.asked?.reject(new GivenUp());
    this.asked = undefined;
  }
}

export const stepUp = new StepUp();
