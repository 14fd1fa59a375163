import { createCipheriv, createDecipheriv, hkdfSync, randomBytes as cryptoBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** A key for one purpose, made of a secret of the platform's. */
export const sealingKey = (secret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', purpose, keyBytes));

/**
 * Seals a text with AES-256-GCM: 12 bytes of nonce, 16 of tag, the rest the text.
 *
 * @param about what the text belongs to: sealed for one thing, it can't be opened for another
 */
export function seal(key: Buffer, text: string, { about = '', randomBytes = cryptoBytes }: Sealing = {}): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}
type Sealing = { readonly about?: string; readonly randomBytes?: (size: number) => Buffer };

/** The text that was sealed. Throws for what was not sealed with this key, or for something else. */
export function unseal(key: Buffer, sealed: Buffer, about = ''): string {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes))
    .setAAD(Buffer.from(about))
    .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  return decipher.update(sealed.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
}
