/** Passkeys: the browser asks the device, we carry questions and answers. */
import { rialto } from '$lib/api';

type CreationOptions = Parameters<typeof PublicKeyCredential.parseCreationOptionsFromJSON>[0];
type RequestOptions = Parameters<typeof PublicKeyCredential.parseRequestOptionsFromJSON>[0];

/** The person closed the device's own dialog, or there is no such device. */
export class NoPasskey extends Error {}

export function canUsePasskeys(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && 'parseCreationOptionsFromJSON' in PublicKeyCredential;
}

async function asked(ask: () => Promise<Credential | null>): Promise<Record<string, unknown>> {
  try {
    const credential = (await ask()) as PublicKeyCredential | null;
    if (credential !== null) return credential.toJSON() as Record<string, unknown>;
  } catch (fault) {
    if (!(fault instanceof DOMException)) throw fault;
  }
  throw new NoPasskey();
}

export async function addPasskey(label: string): Promise<void> {
  const { options } = await rialto.startPasskey();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as CreationOptions);
  await rialto.addPasskey({ label, credential: await asked(() => navigator.credentials.create({ publicKey })) });
}

export async function logInWithPasskey(): Promise<void> {
  const { options } = await rialto.startPasskeyLogIn();
  await rialto.logInWithPasskey({ credential: await proof(options) });
}

export async function stepUpWithPasskey(): Promise<void> {
  const { options } = await rialto.startPasskeyStepUp();
  await rialto.stepUpWithPasskey({ credential: await proof(options) });
}

function proof(options: Record<string, unknown>): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as RequestOptions);
  return asked(() => navigator.credentials.get({ publicKey }));
}
