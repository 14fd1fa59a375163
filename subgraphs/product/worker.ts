import { runSubgraphWorker } from '../shared/subgraph-process.ts';
import { createProductSubgraph } from './subgraph.ts';

await runSubgraphWorker('product', createProductSubgraph);
