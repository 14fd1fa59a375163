// Run by servers.int.test.ts: `start-servers.ts <dataDir> <cacheDir> [exit|exit-early]` starts the servers and prints
// where they are; it stops them at the end of its input, or exits at once without stopping them, or while they start.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startServers } from '../../ops/embedded/servers.ts';

const [dataDir, cacheDir, mode] = process.argv.slice(2) as [string, string, string?];
if (mode === 'exit-early') {
  setInterval(() => {
    if (existsSync(join(dataDir, 'mariadb.server.json'))) process.exit(1);
  }, 1);
}
const { mysqlUrl, redisUrl, stop } = await startServers({ dataDir, cacheDir, log: () => {} });
process.stdout.write(`${JSON.stringify({ mysqlUrl, redisUrl })}\n`);
if (mode !== 'exit') {
  await text(process.stdin);
  await stop();
}
