import { processChecks } from '../shared/process/process-checks.ts';
import { checkFirst } from '../shared/process/refuse-start.ts';

await checkFirst([...processChecks(process.env, { schemas: ['product'], ports: ['PRODUCT_PORT'] })]);
const { runSubgraphServer } = await import('../shared/engine/subgraph-process.ts');
const { createProductSubgraph } = await import('./subgraph.ts');
await runSubgraphServer('product', createProductSubgraph);
