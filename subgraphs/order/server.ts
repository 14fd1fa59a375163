import { runSubgraphServer } from '../shared/subgraph-process.ts';
import { createOrderSubgraph } from './subgraph.ts';

await runSubgraphServer('order', createOrderSubgraph);
