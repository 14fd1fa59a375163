import type { Servers } from '../../ops/embedded/servers.ts';
import { keepMigratedSchemas } from './schemas.ts';
import { startTestServers, stopOnSignals } from './test-servers.ts';

declare global {
  /** What global-setup started, for global-teardown: Jest loads the two apart and shares only globals between them. */
  var testServers: Servers | undefined;
}

/**
 * Gives the tests a MariaDB and a Redis in TEST_MYSQL_URL (a root URL) and TEST_REDIS_URL: those that are set already,
 * else throw-away ones. In TEST_SCHEMAS are the services' schemas, ready to be copied. Jest calls this once, when a test of a
 * project that needs them was selected.
 */
export default async function setUp(): Promise<void> {
  const servers = await startTestServers({
    mysqlUrl: process.env['TEST_MYSQL_URL'],
    redisUrl: process.env['TEST_REDIS_URL'],
  }).catch((error: Error) => refuse(error));
  stopOnSignals(servers);
  process.env['TEST_MYSQL_URL'] = servers.mysqlUrl;
  process.env['TEST_REDIS_URL'] = servers.redisUrl;
  globalThis.testServers = servers;
  await keepMigratedSchemas(servers.dataDir, { MYSQL_URL: servers.mysqlUrl, REDIS_URL: servers.redisUrl });
  process.env['TEST_SCHEMAS'] = servers.dataDir;
}

/** Where the chosen database can't be had, in one line; Jest would add its stack. */
function refuse(error: Error): never {
  if (process.env['TEST_ENGINE'] === undefined) throw error;
  const reason = error.cause instanceof Error ? error.cause : error;
  process.stderr.write(`${reason.message.split('\n')[0]}\n`);
  process.exit(1);
}
