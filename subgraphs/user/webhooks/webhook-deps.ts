import type { Runtime } from '../../shared/process/runtime.ts';
import type { UserConfig } from '../config.ts';
import { type AddressRule, type Resolve, openResolve } from './inward-addresses.ts';
import { type Sealer, createSealer } from './secrets.ts';

/** What commands need of webhooks. */
export type WebhookDeps = {
  readonly sealer: Sealer;
  readonly addresses: AddressRule;
  readonly resolve: Resolve;
  /** Tells the process that sends: something is due. */
  wake(): void;
};

/** The channel by which it is told. */
export const wakeChannel = 'user-webhooks';

export function openWebhooks(
  { live }: Pick<Runtime, 'live'>,
  { webhooks }: Pick<UserConfig, 'webhooks'>,
  randomBytes: (size: number) => Buffer,
): WebhookDeps {
  return {
    sealer: createSealer(webhooks.encryptionKeys, randomBytes),
    addresses: webhooks.addresses,
    resolve: openResolve(webhooks.addresses),
    wake: () => live.publish(wakeChannel, ''),
  };
}
