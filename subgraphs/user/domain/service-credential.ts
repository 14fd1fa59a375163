import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { subgraphNames } from '../../shared/values/subgraph-names.ts';

/** The right of `app` to call `service`. */
export type ServiceCredential = {
  readonly app: string;
  readonly service: string;
  /** SHA-256 of the token; null for a grant of SERVICE_TOKENS, whose token is not ours to know. */
  readonly tokenHash: Buffer | null;
  readonly strict: boolean;
  readonly createdAt: Date;
  readonly rotatedAt: Date | null;
  readonly revokedAt: Date | null;
};

const appName = /^[a-z][a-z0-9-]{0,31}$/;

/** What is wrong with a pair's names; empty when nothing is. */
export function checkPair(pair: { app: string; service: string }): readonly Refusal[] {
  const refusals: Refusal[] = [];
  if (!appName.test(pair.app)) {
    refusals.push(
      validationError('An app must have 1 to 32 lower-case letters, digits and hyphens, beginning with a letter.', [
        'app',
      ]),
    );
  }
  if (!subgraphNames.some((name) => name === pair.service)) {
    refusals.push(validationError(`A service is one of ${subgraphNames.join(', ')}.`, ['service']));
  }
  return refusals;
}

/**
 * What has to stand in Redis for a credential: a value, `absent`, or `any` where SERVICE_TOKENS decides. It is what the
 * job restores after Redis has lost its data.
 */
export function desiredGrant(
  credential: ServiceCredential,
  valueOf: (hash: string, strict: boolean) => string,
): { kind: 'value'; value: string } | { kind: 'absent' } | { kind: 'any' } {
  if (credential.revokedAt !== null) return { kind: 'absent' };
  if (credential.tokenHash === null) return { kind: 'any' };
  return { kind: 'value', value: valueOf(credential.tokenHash.toString('hex'), credential.strict) };
}
