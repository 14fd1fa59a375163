import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import type { ExecutionResult } from 'graphql';
import type { Role, UserViewer } from '../../../subgraphs/shared/auth/viewer.ts';
import { callerHeaders } from '../../../subgraphs/shared/auth/caller-headers.ts';
import { identitySigner } from '../../../subgraphs/shared/auth/identity.ts';
import { openDatabase } from '../../../subgraphs/shared/database/database.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type Runtime, openRuntime } from '../../../subgraphs/shared/process/runtime.ts';
import { databaseUrl, readPlatformConfig } from '../../../subgraphs/shared/process/platform-config.ts';
import type { SubgraphLink } from '../../../subgraphs/shared/calls/link.ts';
import type { SubgraphName } from '../../../subgraphs/shared/values/subgraph-names.ts';
import type { Subgraph } from '../../../subgraphs/shared/engine/subgraph.ts';
import type { Logger } from '../../../subgraphs/shared/process/telemetry.ts';
import { type Accounts, openAccounts } from '../../../subgraphs/user/accounts.ts';
import { createDependencies } from '../../../subgraphs/user/create-dependencies.ts';
import type { UserDeps } from '../../../subgraphs/user/dependencies.ts';
import { callsNobody } from '../../support/no-links.ts';
import { createMigratedSchema } from '../../support/schemas.ts';
import { createUserSubgraph } from '../../../subgraphs/user/subgraph.ts';

/** Redis databases: a test file that empties its database has one of its own, since others run at the same time. */
export const redisDatabase = {
  ordinary: 1,
  sessions: 2,
  auth: 3,
  credentials: 4,
  administration: 5,
  notifications: 6,
} as const;

export const redisUrl = (database: number): string =>
  `${process.env['TEST_REDIS_URL']?.replace(/\/\d*$/, '')}/${database}`;

export type Caller = {
  readonly viewer?: UserViewer;
  readonly app?: string;
  readonly token?: string;
  readonly address?: string;
  readonly agent?: string;
};
// Answers are read by path in the tests, so their shape is left open.
// eslint-disable-next-line typescript/no-explicit-any
export type Answer = { data: any; errors: { message: string; code: unknown }[] };

export type UserPlatform = {
  readonly runtime: Runtime;
  readonly subgraph: Subgraph;
  readonly accounts: Accounts;
  /** The schema's name and the URL that opens it as the service's own user. */
  readonly schema: string;
  readonly databaseUrl: string;
  run(query: string, variables?: Record<string, unknown>, caller?: Caller): Promise<Answer>;
  /** Rows of a statement, as root. */
  sql(statement: string, parameters?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Runs the subgraph's own code, e.g. a job, by hand over the same schema. */
  withDependencies<T>(work: (deps: UserDeps) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** The user subgraph over a schema and a database user of its own. */
export async function openUserPlatform(
  options: {
    database?: number;
    env?: Record<string, string>;
    log?: Logger;
    link?: (name: SubgraphName) => SubgraphLink;
  } = {},
): Promise<UserPlatform> {
  const env = {
    MYSQL_URL: process.env['TEST_MYSQL_URL'],
    REDIS_URL: redisUrl(options.database ?? redisDatabase.ordinary),
    DATABASE_PREFIX: `u${randomBytes(5).toString('hex')}`,
    LOG_LEVEL: 'silent',
    ...options.env,
  };
  const config = readPlatformConfig(env);
  const url = databaseUrl(env, config, 'user');
  const schema = `${config.prefix}_user`;
  const root = await createConnection({ uri: config.mysqlUrl, multipleStatements: true });
  await createMigratedSchema(schema, 'user');
  await root.query(
    `create user '${schema}'@'%' identified by 'development-only'; grant all on ${schema}.* to '${schema}'@'%'`,
  );

  const runtime = await openRuntime(env, {
    name: 'user-test',
    link: options.link ?? callsNobody,
    ...(options.log && { log: options.log }),
  });
  const subgraph = await createUserSubgraph(runtime);
  const accounts = await openAccounts(runtime);
  const sign = identitySigner(config.identitySecret);

  return {
    runtime, subgraph, accounts, schema, databaseUrl: url,
    async run(query, variables, caller = {}) {
      const headers = await headersOf(caller, config.serviceTokens, sign);
      return toAnswer(await subgraph.execute({ query, variables, headers }));
    },
    async sql(statement, parameters) {
      await root.query(`use ${schema}`);
      const [rows] = await root.query(statement, parameters);
      return rows as Record<string, unknown>[];
    },
    async withDependencies(work) {
      const db = await openDatabase({ url, entities: [], migrations: [], poolSize: 2, log: runtime.log });
      try {
        return await work(await createDependencies(runtime, db));
      } finally {
        await db.close();
      }
    },
    async close() {
      await runtime.jobs.stop();
      await accounts.close();
      await subgraph.close();
      await runtime.close();
      await root.query(`drop database ${schema}; drop user '${schema}'@'%'`);
      await root.end();
    },
  }; // prettier-ignore
}

async function headersOf(
  caller: Caller,
  tokens: ReadonlyMap<string, string>,
  sign: (viewer: UserViewer) => string | Promise<string>,
) {
  const app = caller.app ?? 'gateway';
  return {
    [callerHeaders.app]: app,
    [callerHeaders.token]: caller.token ?? tokens.get(app),
    ...(caller.viewer ? { [callerHeaders.identity]: await sign(caller.viewer) } : {}),
    ...(caller.address ? { [callerHeaders.clientAddress]: caller.address } : {}),
    ...(caller.agent ? { [callerHeaders.clientAgent]: caller.agent } : {}),
  };
}

const toAnswer = (result: ExecutionResult): Answer => ({
  data: JSON.parse(JSON.stringify(result.data ?? null)),
  errors: (result.errors ?? []).map(({ message, extensions }) => ({ message, code: extensions['code'] })),
});

let lastMobile = Math.floor(Math.random() * 1e8);
/** A number that nobody has. */
export const newMobile = (): string => `49${String((lastMobile += 1)).padStart(9, '1')}`;

export const userErrorFields = '__typename ... on UserError { code message path }';
export const authFields = `user { id name nickname gender mobile roles version identities { type key } } tokens { accessToken accessExpiresAt refreshAfter refreshToken } replayed
  userErrors { ${userErrorFields} ... on InvalidCredentialsError { retryAfterSeconds } ... on IdempotencyConflictError { retryable } }`;

export const registerMutation = `mutation ($input: RegisterInput!, $key: String) { register(input: $input, idempotencyKey: $key) { ${authFields} } }`;
export const loginMutation = `mutation ($mobile: String!, $password: String!, $key: String) { login(mobile: $mobile, password: $password, idempotencyKey: $key) { ${authFields} } }`;
export const refreshMutation = `mutation ($token: String!) { refreshTokens(refreshToken: $token) { ${authFields} } }`;

export type Person = {
  readonly id: string;
  readonly mobile: string;
  readonly password: string;
  readonly viewer: UserViewer;
  readonly refreshToken: string;
  readonly accessToken: string;
};

/** The session that an access token names; its signature is another test's matter. */
export const viewerOf = (accessToken: string): UserViewer => {
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
  return { kind: 'user', userId: claims.sub, roles: claims.roles, sessionId: claims.sid };
};

/** Registers somebody through the API. */
export async function registerPerson(platform: UserPlatform, input: Record<string, unknown> = {}): Promise<Person> {
  const given = { name: 'Ada Lovelace', mobile: newMobile(), password: 'correct horse battery', ...input };
  const { data, errors } = await platform.run(registerMutation, { input: given });
  if (errors.length > 0 || data.register.userErrors.length > 0) throw new Error(JSON.stringify({ errors, data }));
  const { user, tokens } = data.register;
  return {
    id: user.id,
    mobile: user.mobile,
    password: given.password,
    viewer: viewerOf(tokens.accessToken),
    refreshToken: tokens.refreshToken,
    accessToken: tokens.accessToken,
  };
}

/** A viewer with these roles; whether the user exists doesn't matter to what the roles allow. */
export const viewerWith = (...roles: Role[]): UserViewer => ({
  kind: 'user',
  userId: newId(),
  roles,
  sessionId: newId(),
});
