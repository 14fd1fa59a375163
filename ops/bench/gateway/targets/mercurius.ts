/** Mercurius' gateway, of the packages in `ops/bench/peers`. */
import { createRequire } from 'node:module';
import { type BenchSubgraph, subgraphNames, typeDefs, urlOf } from '../graph.ts';
import { readGiven } from './given.ts';

/** As much of Fastify as is used here; its types are not installed with the project. */
type Fastify = (options: object) => {
  register(plugin: unknown, options: object): void;
  listen(options: { port: number; host: string }): Promise<string>;
};

/** The subgraph that a type belongs to, in the terms of federation 1. */
const owners: Readonly<Record<string, BenchSubgraph>> = { User: 'users', Product: 'products', Review: 'reviews' };

/** A subgraph's schema for federation 1, the only one that Mercurius composes: others extend what one owns. */
function version1(subgraph: BenchSubgraph): string {
  return typeDefs[subgraph]
    .replace(/^extend schema.*$/m, '')
    .replaceAll('@shareable', '')
    .replace(/type (\w+)([^{]*)\{([^}]*)\}/g, (all: string, type: string, directives: string, fields: string) => {
      if (type === 'Query') return `extend ${all}`;
      if (owners[type] === subgraph) return all;
      return `extend type ${type}${directives}{${fields.replace(/((?:id|upc|username): \w+!?)/g, '$1 @external')}}`;
    });
}

const { port, ports } = readGiven();
const peer: (name: string) => unknown = createRequire(`${process.env['PEERS_DIR']}/package.json`);
const app = (peer('fastify') as Fastify)({});
app.register(peer('@mercuriusjs/gateway'), {
  path: '/graphql',
  jit: 1,
  gateway: {
    services: subgraphNames.map((name) => ({ name, url: urlOf(ports, name), schema: version1(name), mandatory: true })),
  },
});
await app.listen({ port, host: '127.0.0.1' });
// An exit of its own, so that a profile gets written.
process.once('SIGTERM', () => process.exit());
