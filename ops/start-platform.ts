import type { Env } from '../subgraphs/shared/process/env.ts';
import { collectGarbage } from '../subgraphs/shared/process/memory.ts';
import { migrate } from './migrate.ts';
import { type RunningPlatform, startInOneProcess } from './one-process.ts';
import { seedAlone } from './seed.ts';
import { startSplit } from './split.ts';

/** Migrates, seeds a new database and starts the platform in one of its shapes. MYSQL_URL and REDIS_URL are set. */
export async function startPlatform(env: Env, options: { split: boolean }): Promise<RunningPlatform> {
  const migrated = await migrate(env);
  if (migrated.length > 0) console.log(`migrated: ${migrated.join(', ')}`);
  if (!options.split) return startInOneProcess(env);
  await seedAlone(env);
  const running = await startSplit(env, {
    onGiveUp(error) {
      console.error(error.message);
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
    },
  });
  // What migrating and seeding took is not needed any more.
  await collectGarbage();
  return running;
}
