import { addressGroup } from '../../shared/values/address-group.ts';
import type { UserDeps } from '../dependencies.ts';

/** What codes are sent for. */
export type CodePurpose = 'reset' | 'email';

/**
 * Counts a request for a code, by whom it is for and by the client's address. Throws TOO_MANY_REQUESTS: messages cost money,
 * and people are not to be flooded with them. Who is counted is never looked up, so it makes no difference who exists.
 */
export async function countCodeRequest(
  { limit, config }: Pick<UserDeps, 'limit' | 'config'>,
  purpose: CodePurpose,
  { recipients, address }: { recipients: readonly string[]; address: string | undefined },
): Promise<void> {
  if (address !== undefined)
    await limit.count({
      what: `codes:${purpose}:address`,
      of: addressGroup(address),
      max: config.maxCodesPerAddress,
      refusal: 'Too many codes were asked for from this address',
    });
  for (const of of recipients)
    await limit.count({
      what: `codes:${purpose}`,
      of,
      max: config.maxCodesPerAccount,
      refusal: 'Too many codes were asked for',
    });
}
