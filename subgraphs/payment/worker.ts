import { processChecks } from '../shared/process/process-checks.ts';
import { checkFirst } from '../shared/process/refuse-start.ts';
import { readPaymentConfig, readReconciliationHour } from './config.ts';

await checkFirst([
  ...processChecks(process.env, { schemas: ['payment'], ports: [] }),
  () => readPaymentConfig(process.env),
  () => readReconciliationHour(process.env),
]);
const { runSubgraphWorker } = await import('../shared/engine/subgraph-process.ts');
const { createPaymentSubgraph } = await import('./subgraph.ts');
await runSubgraphWorker('payment', createPaymentSubgraph);
