import { createServer } from 'node:net';
import { ConfigError, type Env } from '../subgraphs/shared/process/env.ts';
import { runProcess } from '../subgraphs/shared/process/run-process.ts';
import { checkDataDir, serversFor } from './servers-for.ts';

/**
 * `npm start`: the whole platform on this machine, in one process or, with `--split`, each service as a process of its
 * own. Prints `ready <url>` when an order can be placed. With `--watch` what a change of the code touches is started again.
 */
async function start(own: Env, args: readonly string[]): Promise<{ stop(): Promise<void> }> {
  // Processes of their own write into pipes, and can't see that a person reads them.
  const given = process.stdout.isTTY ? { LOG_FORMAT: 'pretty', FORCE_COLOR: '1', ...own } : own;
  const split = args.includes('--split');
  const unknown = args.filter((argument) => !['--split', '--watch'].includes(argument));
  if (unknown.length > 0)
    throw new ConfigError(`Unknown argument: ${unknown.join(' ')}. There are two: --split and --watch.`);
  const { checkConfiguration } = await import('./check-configuration.ts');
  checkConfiguration(given);
  await checkDataDir(given);
  const port = Number(given['PORT'] || 4000);
  const { readGatewayConfig } = await import('../gateway/config.ts');
  const { host } = readGatewayConfig(given);
  await assertFree('GATEWAY_HOST', host, port);
  if (given['NODE_ENV'] !== 'production' && !/^(127\.|::1$|localhost$)/.test(host))
    console.warn(`GATEWAY_HOST: others on the network reach ${host}, and the keys of development, with which anybody can sign an administrator's token, are known to everybody. Set keys of your own, or unset it.`); // prettier-ignore
  await assertFree('SUBGRAPH_HOST', given['SUBGRAPH_HOST'] || '127.0.0.1', 0);

  if (args.includes('--watch')) {
    const { startWatched } = await import('./watch/start-watched.ts');
    return startWatched(given, { split, url: `http://localhost:${port}` });
  }
  // Loading the code takes as long as starting the servers: both at once.
  const [{ env, servers }, platform, { distDir }] = await Promise.all([
    serversFor(given, (line) => console.log(line)),
    import('./start-platform.ts'),
    given['PAGES_DIR'] ? { distDir: given['PAGES_DIR'] } : import('./pages.ts').then((pages) => pages.ensurePages()),
  ]);
  const running = await platform.startPlatform({ ...env, PAGES_DIR: distDir }, { split });
  await running.ready();
  console.log(`ready http://localhost:${port}`);
  return {
    async stop() {
      await running.stop();
      await servers.stop();
      console.log('stopped');
    },
  };
}

/** Throws ConfigError where this host and port can't be listened on. */
async function assertFree(variable: string, host: string, port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new ConfigError(
            `PORT: ${port} is taken by another program. Stop that, or choose another port: PORT=${port + 1} npm start`,
          ),
        );
      else if (error.code === 'EACCES')
        reject(new ConfigError(`PORT: ${port} may not be used by this user; choose one above 1023.`));
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
        reject(new ConfigError(`${variable}: ${host} is no address of this machine; 0.0.0.0 is all of them.`));
      else reject(error);
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/** Every program of `--split` may take its 30 s, one stage after the other, and then the servers end. */
const stopGraceMs = 180_000;

await runProcess(() => start(process.env, process.argv.slice(2)), { stopGraceMs });
