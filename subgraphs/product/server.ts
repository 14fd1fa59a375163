import { runSubgraphServer } from '../shared/subgraph-process.ts';
import { createProductSubgraph } from './subgraph.ts';

await runSubgraphServer('product', createProductSubgraph);
