import { processChecks } from '../shared/process/process-checks.ts';
import { checkFirst } from '../shared/process/refuse-start.ts';
import { readUserConfig } from './config.ts';
import { readIdentityConfig } from './identities/identity-config.ts';
import { readNotificationConfig } from './notifications/config.ts';

await checkFirst([
  ...processChecks(process.env, { schemas: ['user'], ports: [] }),
  () => readUserConfig(process.env),
  () => readIdentityConfig(process.env, { publicUrl: '' }),
  () => readNotificationConfig(process.env),
]);
const { runSubgraphWorker } = await import('../shared/engine/subgraph-process.ts');
const { createUserSubgraph } = await import('./subgraph.ts');
await runSubgraphWorker('user', createUserSubgraph);
