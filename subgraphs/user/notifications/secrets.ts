import { seal, sealingKey, unseal } from '../sealing.ts';

/** Seals codes and opens them, by a key that follows from `IDENTITY_SECRET`. */
export type Sealer = {
  seal(code: string): Buffer;
  /** Throws for what was not sealed with this key. */
  open(sealed: Buffer): string;
};

/** A code waits sealed in its delivery until it is sent, and is erased then: who reads the database, or a copy of it, can't use it. */
export function openSealer(identitySecret: string): Sealer {
  const key = sealingKey(identitySecret, 'order-platform notification codes');
  return { seal: (code) => seal(key, code), open: (sealed) => unseal(key, sealed) };
}
