import { testHttpClient } from './transport-world.ts';

await testHttpClient('own');
await import('./transport-contract.ts');
await import('./transport-races-contract.ts');
await import('./transport-tls-contract.ts');
