import { RefusedError, validationError } from '../shared/errors/errors.ts';
import type { PaymentDeps } from './deps.ts';
import { identityMissing } from './domain/refusals.ts';
import type { PaymentProvider } from './providers/provider.ts';
import type { PaymentMethod } from './records.ts';

/** How a customer pays at a provider that has more than one way; the API's enum. */
export type TradeType = 'NATIVE' | 'JSAPI';

type Answer = {
  _entities: readonly ({ identities: readonly { type: string; key: string; issuer: string | null }[] } | null)[];
};

/** What the user service is asked for. */
export const identitiesDocument = /* GraphQL */ `
  query PayerIdentities($representations: [_Any!]!) {
    _entities(representations: $representations) {
      ... on User {
        identities {
          type
          key
          issuer
        }
      }
    }
  }
`;

/**
 * From whom alone the provider is to take the money, as it knows them; null where anybody may pay. Refuses with ValidationError what the
 * provider does not have, with IdentityMissingError a customer whom it does not know. Rejects with SERVICE_UNAVAILABLE when the user service can't answer.
 */
export async function requirePayer(
  deps: Pick<PaymentDeps, 'call'>,
  provider: Pick<PaymentProvider, 'payerIssuer'> | null,
  asked: { method: PaymentMethod; tradeType?: TradeType | null | undefined; userId: string; traceId: string },
): Promise<string | null> {
  const { method, tradeType = null, userId, traceId } = asked;
  if (tradeType === null) return null;
  const issuer = provider?.payerIssuer;
  if (issuer === undefined)
    throw new RefusedError(validationError(`${method} has no trade types: leave it out.`, ['input', 'tradeType']));
  switch (tradeType) {
    case 'NATIVE':
      return null;
    case 'JSAPI':
      return requireIdentity(deps, { issuer, userId, traceId });
  }
}

async function requireIdentity(
  deps: Pick<PaymentDeps, 'call'>,
  { issuer, userId, traceId }: { issuer: string; userId: string; traceId: string },
): Promise<string> {
  const variables = { representations: [{ __typename: 'User', id: userId }] };
  const answer = await deps.call<Answer>('user', { query: identitiesDocument, variables, traceId });
  const found = answer._entities[0]?.identities.find((one) => one.type === 'WX_MINI' && one.issuer === issuer);
  if (!found) throw new RefusedError(identityMissing());
  return found.key;
}
