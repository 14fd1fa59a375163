import type { CallContext } from '../shared/engine/prepare.ts';
import type { Runtime } from '../shared/process/runtime.ts';
import type { Service } from '../shared/engine/service.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { CodeSender } from './codes/code-sender.ts';
import type { UserConfig } from './config.ts';
import type { IdentityProofs } from './identities/identity-proofs.ts';
import type { Loaders } from './loaders.ts';
import type { LoginThrottle } from './login-throttle.ts';
import type { OutwardChannel } from './notifications/kinds.ts';
import type { Locale } from './domain/locale.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { RegistrationLimit } from './registration-limit.ts';
import type { WindowLimit } from './window-limit.ts';
import type { WebhookDeps } from './webhooks/webhook-deps.ts';

/** What commands and queries get as their first argument. */
export type UserDeps = Pick<Runtime, 'redis' | 'live' | 'log' | 'now' | 'newId'> & {
  readonly db: Service['db'];
  /** Calls other subgraphs as the service `user`. */
  readonly call: Service['call'];
  readonly config: UserConfig;
  readonly hasher: PasswordHasher;
  readonly throttle: LoginThrottle;
  readonly registrations: RegistrationLimit;
  readonly limit: WindowLimit;
  readonly identities: IdentityProofs;
  /** App → token of SERVICE_TOKENS: what these may call is set there and not by credentials. */
  readonly configuredTokens: ReadonlyMap<string, string>;
  readonly accessTokens: AccessTokens;
  readonly randomBytes: (size: number) => Buffer;
  readonly webhooks: WebhookDeps;
  /** Sends one-time codes. */
  readonly codes: CodeSender;
  /** Channels that something sends by. */
  readonly outward: ReadonlySet<OutwardChannel>;
  /** Of people who have not chosen one. */
  readonly defaultLocale: Locale;
};

/** What every resolver gets. */
export type UserContext = CallContext & { readonly deps: UserDeps; readonly loaders: Loaders };
