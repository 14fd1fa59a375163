import { randomBytes } from 'node:crypto';
import type { Runtime } from '../shared/process/runtime.ts';
import { serviceCaller } from '../shared/calls/link.ts';
import type { Service } from '../shared/engine/service.ts';
import { createAccessTokens } from './access-tokens.ts';
import { readUserConfig } from './config.ts';
import type { UserDeps } from './dependencies.ts';
import { readIdentityConfig } from './identities/identity-config.ts';
import { createIdentityProofs } from './identities/identity-proofs.ts';
import { createLoginThrottle } from './login-throttle.ts';
import { workChannel } from './notifications/channels.ts';
import { readNotificationConfig } from './notifications/config.ts';
import { openSealer } from './notifications/secrets.ts';
import { openCodeSender } from './notifications/send-code.ts';
import { outwardChannels } from './notifications/senders.ts';
import { createPasswordHasher } from './password-hasher.ts';
import { createRegistrationLimit } from './registration-limit.ts';
import { createWindowLimit } from './window-limit.ts';
import { openWebhooks } from './webhooks/webhook-deps.ts';

/** The user subgraph's parts over an open schema. Throws ConfigError. */
export async function createDependencies(runtime: Runtime, db: Service['db']): Promise<UserDeps> {
  const config = readUserConfig(runtime.env);
  const { redis, live, log, now, newId } = runtime;
  const limit = createWindowLimit(redis, { windowSeconds: config.loginWindowSeconds });
  const notifications = readNotificationConfig(runtime.env);
  const outward = outwardChannels(notifications);
  const wake = (): void => live.publish(workChannel, '');
  return {
    db, config, redis, live, log, now, newId, randomBytes, outward,
    defaultLocale: notifications.defaultLocale,
    codes: openCodeSender({ now, newId, log, wake, outward, sealer: openSealer(runtime.config.identitySecret) }),
    call: serviceCaller({ app: 'user', token: runtime.config.serviceTokens.get('user') ?? '', link: runtime.link }),
    hasher: createPasswordHasher({ maxQueued: config.maxQueuedPasswords, randomBytes }),
    throttle: createLoginThrottle(redis, config),
    registrations: createRegistrationLimit(limit, config),
    limit,
    identities: createIdentityProofs(readIdentityConfig(runtime.env, runtime.config), { redis, log, now, randomBytes }),
    configuredTokens: runtime.config.serviceTokens,
    webhooks: openWebhooks(runtime, config, randomBytes),
    accessTokens: await createAccessTokens(config.signingJwk),
  }; // prettier-ignore
}
