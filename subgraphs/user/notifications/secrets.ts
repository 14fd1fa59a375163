import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/*
 * A code waits sealed in its delivery until it is sent, and is erased then: who reads the database, or a copy of it, can't use
 * it. AES-256-GCM; bytes: 12 of nonce, 16 of tag, the rest the code.
 */

const nonceBytes = 12;
const tagBytes = 16;

const keyOf = (identitySecret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', identitySecret, '', 'order-platform notification codes', 32));

/** Seals codes and opens them, by a key that follows from `IDENTITY_SECRET`. */
export type Sealer = {
  seal(code: string): Buffer;
  /** Throws for what was not sealed with this key. */
  open(sealed: Buffer): string;
};

export function openSealer(identitySecret: string): Sealer {
  const key = keyOf(identitySecret);
  return {
    seal(code) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(code, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]);
    },
    open(sealed) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes));
      decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
      return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString();
    },
  };
}
