import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readGatewayConfig } from '../../../gateway/config.ts';
import { readAddedSubgraphs } from '../../../gateway/supergraph/added-subgraphs.ts';

const read = (env: Record<string, string>) => readAddedSubgraphs(env);
const refusal = (env: Record<string, string>, reader: (given: Record<string, string>) => unknown = read): string => {
  try {
    reader(env);
  } catch (error) {
    expect((error as Error).name).toBe('ConfigError');
    return (error as Error).message;
  }
  return 'nothing was refused';
};
const long = (letter: string) => letter.repeat(32);

describe('GRAPH_SUBGRAPHS', () => {
  test('names no subgraph where it is unset or empty', () => {
    expect(read({})).toEqual([]);
    expect(read({ GRAPH_SUBGRAPHS: ' , ' })).toEqual([]);
  });

  test('has each subgraph with its address, its token and its secret', () => {
    const env = {
      GRAPH_SUBGRAPHS: 'reviews=https://reviews.internal:8443/api/graphql, shipping=http://10.0.0.7',
      GRAPH_SUBGRAPH_TOKENS: `reviews=${long('a')}==,shipping=${long('b')}`,
      GRAPH_SUBGRAPH_IDENTITY_SECRETS: `shipping=${long('c')},reviews=${long('d')}`,
      NODE_ENV: 'production',
    };
    expect(read(env)).toEqual([
      { name: 'reviews', url: 'https://reviews.internal:8443/api/graphql', token: `${long('a')}==`, identitySecret: long('d') },
      { name: 'shipping', url: 'http://10.0.0.7', token: long('b'), identitySecret: long('c') },
    ]); // prettier-ignore
  });

  test('has secrets made of the name in development, and wants others in production', () => {
    const env = { GRAPH_SUBGRAPHS: 'x=http://localhost:4201/graphql' };
    const [added] = read(env);
    expect(added).toMatchObject({
      token: 'development-token-of-the-subgraph-x',
      identitySecret: 'development-identity-secret-of-the-subgraph-x',
    });
    const production = { ...env, NODE_ENV: 'production' };
    expect(refusal(production)).toMatch(/^GRAPH_SUBGRAPH_TOKENS: .* for x, .*add x=/);
    const withToken = { ...production, GRAPH_SUBGRAPH_TOKENS: `x=${long('a')}` };
    expect(refusal(withToken)).toMatch(/^GRAPH_SUBGRAPH_IDENTITY_SECRETS: .* for x, .*add x=/);
    expect(refusal({ ...withToken, GRAPH_SUBGRAPH_IDENTITY_SECRETS: `x=${added?.identitySecret}` })).toMatch(
      /^GRAPH_SUBGRAPH_IDENTITY_SECRETS: .* for x/,
    );
  });

  const reviews = 'reviews=http://localhost:4201/graphql';
  test.each([
    ['an entry without an address', { GRAPH_SUBGRAPHS: 'reviews' }, 'GRAPH_SUBGRAPHS: entry 1 is not name=value'],
    ['an entry without a name', { GRAPH_SUBGRAPHS: `${reviews},=http://x` }, 'GRAPH_SUBGRAPHS: entry 2 is not name=value'],
    ['one name twice', { GRAPH_SUBGRAPHS: `${reviews},${reviews}` }, 'GRAPH_SUBGRAPHS: names reviews twice'],
    ['a name that is none', { GRAPH_SUBGRAPHS: 'my reviews=http://x' }, 'GRAPH_SUBGRAPHS: "my reviews" can\'t be'],
    ['the name of one of ours', { GRAPH_SUBGRAPHS: 'Order=http://x' }, 'whose address is ORDER_URL'],
    ['no URL', { GRAPH_SUBGRAPHS: 'reviews=reviews.internal/graphql' }, 'is not an http or https URL'],
    ['another scheme', { GRAPH_SUBGRAPHS: 'reviews=ws://reviews.internal/graphql' }, 'is not an http or https URL'],
    ['a token without a subgraph', { GRAPH_SUBGRAPHS: reviews, GRAPH_SUBGRAPH_TOKENS: `review=${long('a')}` }, 'GRAPH_SUBGRAPH_TOKENS: names review, which GRAPH_SUBGRAPHS does not'],
    ['a short secret', { GRAPH_SUBGRAPHS: reviews, GRAPH_SUBGRAPH_IDENTITY_SECRETS: 'reviews=secret' }, 'GRAPH_SUBGRAPH_IDENTITY_SECRETS: what it has for reviews is not at least 32'],
    ['a token that no header can have', { GRAPH_SUBGRAPHS: reviews, GRAPH_SUBGRAPH_TOKENS: `reviews=${long('ä')}` }, 'GRAPH_SUBGRAPH_TOKENS: what it has for reviews'],
    ['too many', { GRAPH_SUBGRAPHS: Array.from({ length: 101 }, (_, index) => `s${index}=http://x`).join(',') }, 'more than 100'],
  ])('with %s is refused with the mend', (_, env, message) => {
    expect(refusal(env)).toContain(message);
  }); // prettier-ignore

  test.each(['https://user:hunter2@host/graphql', 'https://host/graphql?key=hunter2', 'https://host/graphql#hunter2'])(
    'with a secret in the address %s is refused, and the secret is not shown',
    (url) => {
      const message = refusal({ GRAPH_SUBGRAPHS: `reviews=${url}` });
      expect(message).toContain('GRAPH_SUBGRAPHS: the address of reviews holds more than');
      expect(message).not.toContain('hunter2');
    },
  );

  test("gives no subgraph a secret of the platform's own, with which it could speak as the gateway", () => {
    const ours = { SERVICE_TOKENS: `gateway=${long('g')},user=${long('u')}`, IDENTITY_SECRET: long('i') };
    for (const secret of [long('g'), long('u'), long('i')])
      for (const variable of ['GRAPH_SUBGRAPH_TOKENS', 'GRAPH_SUBGRAPH_IDENTITY_SECRETS']) {
        const message = refusal({ ...ours, GRAPH_SUBGRAPHS: reviews, [variable]: `reviews=${secret}` });
        expect(message).toMatch(new RegExp(`^${variable}: .*secret of the platform's own services`));
        expect(message).not.toContain(secret);
      }
  });
});

test('each token and each secret has a value of its own', () => {
  const env = { GRAPH_SUBGRAPHS: 'reviews=http://reviews/graphql,shipping=http://shipping/graphql' };
  expect(refusal({ ...env, GRAPH_SUBGRAPH_TOKENS: `reviews=${long('a')},shipping=${long('a')}` })).toContain(
    "GRAPH_SUBGRAPH_TOKENS: what it has for shipping is another one's, too",
  );
  const both = {
    GRAPH_SUBGRAPH_TOKENS: `reviews=${long('a')}`,
    GRAPH_SUBGRAPH_IDENTITY_SECRETS: `reviews=${long('a')}`,
  };
  expect(refusal({ ...env, ...both })).toContain("GRAPH_SUBGRAPH_IDENTITY_SECRETS: what it has for reviews is another one's, too"); // prettier-ignore
});

describe('a supergraph and GRAPH_SUBGRAPHS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'added-subgraphs-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'supergraph.graphql');
  const compose = (...names: string[]) =>
    writeFileSync(path, `enum join__Graph { ${names.map((name) => `${name.toUpperCase()} @join__graph(name: "${name}", url: "http://${name}/graphql")`).join(' ')} }`); // prettier-ignore
  const GRAPH_SUBGRAPHS = 'reviews=http://localhost:4201/graphql';

  test('name the same subgraphs', () => {
    compose('user', 'reviews');
    expect(readGatewayConfig({ SUPERGRAPH_PATH: path, GRAPH_SUBGRAPHS })).toMatchObject({
      supergraphPath: path,
      addedSubgraphs: [{ name: 'reviews' }],
    });
  });

  test('are refused when the graph has one without an address', () => {
    compose('user', 'reviews', 'shipping');
    expect(refusal({ SUPERGRAPH_PATH: path, GRAPH_SUBGRAPHS }, readGatewayConfig)).toBe(
      `GRAPH_SUBGRAPHS: has no address for shipping, of which ${path} was composed; add shipping=https://host/graphql.`,
    );
  });

  test('are refused when there is an address that the graph has no subgraph for', () => {
    compose('user');
    expect(refusal({ SUPERGRAPH_PATH: path, GRAPH_SUBGRAPHS }, readGatewayConfig)).toBe(
      `GRAPH_SUBGRAPHS: names reviews, and ${path} was composed without; run npm run compose -- --add reviews=<file of its schema>.`,
    );
  });

  test('are refused when nothing was composed yet', () => {
    expect(refusal({ GRAPH_SUBGRAPHS }, readGatewayConfig)).toMatch(
      /^GRAPH_SUBGRAPHS: names reviews, and there is no supergraph with it at .*schema\/composed\/supergraph\.graphql yet; run npm run compose -- --add reviews=/,
    );
  });

  test('are refused when the file is no supergraph', () => {
    writeFileSync(path, 'type Query { a: Int }');
    expect(refusal({ SUPERGRAPH_PATH: path }, readGatewayConfig)).toContain('is not a supergraph');
  });
});
