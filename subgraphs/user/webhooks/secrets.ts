import { seal, sealingKey, unseal } from '../sealing.ts';

/*
 * Endpoints' secrets. They sign, so they can't be kept as hashes: they are sealed with AES-256-GCM, for the one endpoint, by a
 * key that is made of WEBHOOK_ENCRYPTION_KEY.
 */

const secretBytes = 32;
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
  const derived = keys.map((key) => sealingKey(key, 'webhook secrets'));
  const [first] = derived;
  if (!first) throw new Error('there is no key to seal with');
  return {
    seal: (secret, endpointId) => seal(first, secret, { about: endpointId, randomBytes }).toString('base64'),
    open(sealed, endpointId) {
      for (const key of derived) {
        try {
          return unseal(key, Buffer.from(sealed, 'base64'), endpointId);
        } catch {
          continue; // sealed with another key, or for another endpoint
        }
      }
      throw new Error('The secret can not be read with WEBHOOK_ENCRYPTION_KEY: rotate it.');
    },
  };
}
