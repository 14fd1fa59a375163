import { runSubgraphServer } from '../shared/engine/subgraph-process.ts';
import { createPaymentSubgraph } from './subgraph.ts';

await runSubgraphServer('payment', createPaymentSubgraph);
