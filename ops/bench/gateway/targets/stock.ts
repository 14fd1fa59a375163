/**
 * @apollo/gateway in @apollo/server's standalone server, as their documentation has it: `stock` with the data source
 * that comes with it (node-fetch), `stock-undici` with one of our own on undici.
 */
import { ApolloGateway, type GraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { Pool } from 'undici';
import { readGiven } from './given.ts';

const { variant, port, supergraphSdl } = readGiven();

/** What people write who have found node-fetch in a profile. */
function onUndici(url: string): GraphQLDataSource {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: 32 });
  return {
    async process({ request: { query, variables, operationName } }) {
      const { body } = await pool.request({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query, variables, operationName }),
      });
      return (await body.json()) as Awaited<ReturnType<GraphQLDataSource['process']>>;
    },
  };
}

const sources: Readonly<Record<string, (url: string) => GraphQLDataSource>> = {
  stock: (url) => new RemoteGraphQLDataSource({ url }),
  'stock-undici': onUndici,
};
const source = sources[variant];
if (!source) throw new Error(`unknown variant ${variant}`);
const gateway = new ApolloGateway({ supergraphSdl, buildService: ({ url = '' }) => source(url) });
await startStandaloneServer(new ApolloServer({ gateway }), { listen: { port, host: '127.0.0.1' } });
// An exit of its own, so that a profile gets written.
process.once('SIGTERM', () => process.exit());
