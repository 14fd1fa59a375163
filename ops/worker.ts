import { readOrderConfig } from '../subgraphs/order/config.ts';
import { readPaymentConfig, readReconciliationHour } from '../subgraphs/payment/config.ts';
import { processChecks } from '../subgraphs/shared/process/process-checks.ts';
import { checkFirst } from '../subgraphs/shared/process/refuse-start.ts';
import { subgraphNames } from '../subgraphs/shared/values/subgraph-names.ts';
import { readUserConfig } from '../subgraphs/user/config.ts';
import { readIdentityConfig } from '../subgraphs/user/identities/identity-config.ts';
import { readNotificationConfig } from '../subgraphs/user/notifications/config.ts';

const { env } = process;
await checkFirst([
  ...processChecks(env, { schemas: subgraphNames, ports: ['WORKER_PORT'] }),
  () => readUserConfig(env),
  () => readIdentityConfig(env, { publicUrl: '' }),
  () => readNotificationConfig(env),
  () => readOrderConfig(env),
  () => readPaymentConfig(env),
  () => readReconciliationHour(env),
]);
const { runProcess } = await import('../subgraphs/shared/process/run-process.ts');
const { startWorker } = await import('./start-worker.ts');
await runProcess(() => startWorker(env));
