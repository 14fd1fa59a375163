/** Mercurius' gateway, of the packages in `ops/bench/peers`. */
import { createRequire } from 'node:module';
import { subgraphNames, typeDefs, urlOf } from '../graph.ts';
import { readGiven } from './given.ts';

/** As much of Fastify as is used here; its types are not installed with the project. */
type Fastify = (options: object) => {
  register(plugin: unknown, options: object): void;
  listen(options: { port: number; host: string }): Promise<string>;
};

const { port, ports } = readGiven();
const peer: (name: string) => unknown = createRequire(`${process.env['PEERS_DIR']}/package.json`);
const app = (peer('fastify') as Fastify)({});
app.register(peer('@mercuriusjs/gateway'), {
  path: '/graphql',
  jit: 1,
  gateway: {
    services: subgraphNames.map((name) => ({
      name,
      url: urlOf(ports, name),
      schema: typeDefs[name].replace(/^extend schema.*$/m, ''),
      mandatory: true,
    })),
  },
});
await app.listen({ port, host: '127.0.0.1' });
// An exit of its own, so that a profile gets written.
process.once('SIGTERM', () => process.exit());
