import { testHttpClient } from './transport-world.ts';

await testHttpClient('undici');
await import('./transport-contract.ts');
await import('./transport-races-contract.ts');
await import('./transport-tls-contract.ts');
