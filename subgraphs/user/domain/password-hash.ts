/** Parameters of argon2id; the defaults are OWASP's first recommendation: 19 MiB, two passes, one lane. */
export type Argon2Parameters = { readonly memoryKiB: number; readonly passes: number; readonly lanes: number };
export const argon2Parameters: Argon2Parameters = { memoryKiB: 19_456, passes: 2, lanes: 1 };

export type PasswordHash = { readonly parameters: Argon2Parameters; readonly salt: Buffer; readonly hash: Buffer };

const version = 19;
const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

/** The PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. */
export function formatPasswordHash({ parameters, salt, hash }: PasswordHash): string {
  const { memoryKiB, passes, lanes } = parameters;
  return `$argon2id$v=${version}$m=${memoryKiB},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Reads a PHC string of ours. Throws for any other text: only the database can hold one, so that is a broken invariant. */
export function parsePasswordHash(text: string): PasswordHash {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
    text,
  );
  if (!match) throw new Error('A stored password hash is not an argon2id PHC string.');
  const [, memoryKiB, passes, lanes, salt = '', hash = ''] = match;
  return {
    parameters: { memoryKiB: Number(memoryKiB), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}
