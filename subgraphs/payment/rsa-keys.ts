import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { ConfigError } from '../shared/process/env.ts';

const minBits = 2_048;

/** A PEM may come with `\n` written out; the base64 of a DER is what the providers' own tools give. */
function parsed(
  variable: string,
  text: string,
  kinds: readonly ((der: Buffer) => KeyObject)[],
  pem: (text: string) => KeyObject,
): KeyObject {
  // prettier-ignore
  const given = text.replaceAll('\\n', '\n').trim();
  const ways = given.includes('-----BEGIN')
    ? [() => pem(given)]
    : kinds.map((kind) => () => kind(Buffer.from(given, 'base64')));
  for (const way of ways) {
    try {
      const key = way();
      if (key.asymmetricKeyType === 'rsa' && Number(key.asymmetricKeyDetails?.modulusLength) >= minBits) return key;
    } catch {
      // not in this form; the next one, or the refusal below
    }
  }
  throw new ConfigError(`${variable}: is not an RSA key of at least ${minBits} bits, as PEM or as the base64 of its DER.`); // prettier-ignore
}

/** A private RSA key (PKCS#8 or PKCS#1) as the PEM of PKCS#8. Throws ConfigError naming `variable`, never the key. */
export const rsaPrivateKey = (variable: string, text: string): string =>
  parsed(
    variable,
    text,
    (['pkcs8', 'pkcs1'] as const).map((type) => (key) => createPrivateKey({ key, format: 'der', type })),
    createPrivateKey,
  )
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()
    .trim();

/** A public RSA key as the PEM of its SPKI. Throws ConfigError naming `variable`. */
export const rsaPublicKey = (variable: string, text: string): string =>
  parsed(variable, text, [(key) => createPublicKey({ key, format: 'der', type: 'spki' })], createPublicKey)
    .export({ type: 'spki', format: 'pem' })
    .toString()
    .trim();
