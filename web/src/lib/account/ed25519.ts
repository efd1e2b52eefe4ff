/** A key pair made in this browser: the private half is shown once and sent nowhere. */
export interface KeyPair {
  publicPem: string;
  privatePem: string;
}

export async function newKeyPair(): Promise<KeyPair> {
  const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
  const [spki, pkcs8] = await Promise.all([
    crypto.subtle.exportKey('spki', pair.publicKey),
    crypto.subtle.exportKey('pkcs8', pair.privateKey),
  ]);
  return { publicPem: pem('PUBLIC KEY', spki), privatePem: pem('PRIVATE KEY', pkcs8) };
}

function pem(name: string, content: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(content)));
  return `-----BEGIN ${name}-----\n${text.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END ${name}-----\n`;
}
