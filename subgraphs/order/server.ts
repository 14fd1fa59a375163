import { processChecks } from '../shared/process/process-checks.ts';
import { checkFirst } from '../shared/process/refuse-start.ts';
import { readOrderConfig } from './config.ts';

await checkFirst([
  ...processChecks(process.env, { schemas: ['order'], ports: ['ORDER_PORT'] }),
  () => readOrderConfig(process.env),
]);
const { runSubgraphServer } = await import('../shared/engine/subgraph-process.ts');
const { createOrderSubgraph } = await import('./subgraph.ts');
await runSubgraphServer('order', createOrderSubgraph);
