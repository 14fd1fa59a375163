import { createHash } from 'node:crypto';
import type { Redis } from '../process/redis.ts';

/** What is kept of an app's token: SHA-256, in hex. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** The Redis hash of one callee: field = app, value = SHA-256 of the token (hex), followed by ` relaxed` where the grant is not strict. */
export const rpcAuthKey = (service: string): string => `rpc:auth:${service}`;
/** The Redis hash of one callee: field = app, value = when the callee last accepted it, in epoch ms, to within 5 s. */
export const rpcUsedKey = (service: string): string => `rpc:used:${service}`;

/** A strict grant is refused while Redis can't answer; a relaxed one is trusted as it was last known. Default: strict. */
export type Grant = { readonly app: string; readonly service: string; readonly strict?: boolean };

/** What stands in Redis for a grant with this token hash (hex). */
export const grantValue = (hash: string, strict = true): string => (strict ? hash : `${hash} relaxed`);

/** Lets `app` call `service` with `token`. Redis keeps only the token's hash. */
export const grantService = async (redis: Redis, grant: Grant & { token: string }): Promise<void> => {
  await redis.hSet(rpcAuthKey(grant.service), grant.app, grantValue(tokenHash(grant.token), grant.strict));
};

/** Takes the grant back; the callee forgets it within 5 s. */
export const revokeService = async (redis: Redis, grant: Grant): Promise<void> => {
  await redis.hDel(rpcAuthKey(grant.service), grant.app);
};
