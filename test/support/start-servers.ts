// Run by servers.int.test.ts: `start-servers.ts <dataDir> <cacheDir> [exit]` starts the servers and prints where they
// are; it stops them at the end of its input, or exits at once without stopping them.
import { text } from 'node:stream/consumers';
import { startServers } from '../../ops/embedded/servers.ts';

const [dataDir, cacheDir, mode] = process.argv.slice(2) as [string, string, string?];
const { mysqlUrl, redisUrl, stop } = await startServers({ dataDir, cacheDir, log: () => {} });
process.stdout.write(`${JSON.stringify({ mysqlUrl, redisUrl })}\n`);
if (mode !== 'exit') {
  await text(process.stdin);
  await stop();
}
