import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

/*
 * Endpoints' secrets. They sign, so they can't be kept as hashes: they are sealed with AES-256-GCM, for the one endpoint, by a
 * key that is made of WEBHOOK_ENCRYPTION_KEY.
 */

const secretBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const algorithm = 'aes-256-gcm';
const hintLength = 4;

/** A new secret as Standard Webhooks has it: `whsec_` and 32 random bytes in base64. */
export const newSecret = (randomBytes: (size: number) => Buffer): string =>
  `whsec_${randomBytes(secretBytes).toString('base64')}`;

/** What is shown of a secret: its last characters. */
export const hintOf = (secret: string): string => secret.slice(-hintLength);

export type Sealer = {
  seal(secret: string, endpointId: string): string;
  /** Throws when no key opens it. */
  open(sealed: string, endpointId: string): string;
};

/** Seals with the first key; opens with any of them. */
export function createSealer(keys: readonly string[], randomBytes: (size: number) => Buffer): Sealer {
  const derived = keys.map((key) => Buffer.from(hkdfSync('sha256', key, '', 'webhook secrets', 32)));
  const [first] = derived;
  if (!first) throw new Error('there is no key to seal with');
  return {
    seal(secret, endpointId) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, first, nonce).setAAD(Buffer.from(endpointId));
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(sealed, endpointId) {
      for (const key of derived) {
        const secret = opened(Buffer.from(sealed, 'base64'), key, endpointId);
        if (secret !== null) return secret;
      }
      throw new Error('The secret can not be read with WEBHOOK_ENCRYPTION_KEY: rotate it.');
    },
  };
}

function opened(sealed: Buffer, key: Buffer, endpointId: string): string | null {
  const nonce = sealed.subarray(0, nonceBytes);
  const tag = sealed.subarray(nonceBytes, nonceBytes + tagBytes);
  try {
    const decipher = createDecipheriv(algorithm, key, nonce).setAAD(Buffer.from(endpointId)).setAuthTag(tag);
    return decipher.update(sealed.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null; // sealed with another key, or for another endpoint
  }
}
