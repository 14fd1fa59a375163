import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { buildSchema, isObjectType } from 'graphql';
import { composedSupergraph, subgraphsOf } from '../../gateway/supergraph/added-subgraphs.ts';
import { composeAdded, composedDir, findAdded, staleIn, writeFiles } from '../../schema/added.ts';
import { compose } from '../../schema/composition.ts';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { reviewsSdl, reviewsSdlPath } from '../support/reviews.ts';

const directory = mkdtempSync(join(tmpdir(), 'compose-'));
afterAll(() => rmSync(directory, { recursive: true }));
const at = (path: string): string => join(directory, path);
const composed = (path: string): string => readFileSync(at(`composed/${path}`), 'utf8');
const write = (path: string, text: string): string => {
  writeFileSync(at(path), text);
  return at(path);
};
beforeEach(() => rmSync(at('composed'), { recursive: true, force: true }));

const federation2 =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])\n';
const shipping = `${federation2} type Order @key(fields: "id") { id: ID! parcels: Int }`;

describe('subgraphs that are added to ours', () => {
  const subgraphs = subgraphNames.map((name) => ({ name, typeDefs: typeDefsOf(name) }));
  const ours = { ...compose(subgraphs), subgraphs };
  /** What is to be written after these were added, and what is hinted at. */
  const add = (...given: string[]) => {
    const { files, hints } = composeAdded(ours, findAdded(at('composed'), given));
    const stale = staleIn(at('composed'), files);
    return { stale, paths: stale.map(([path]) => path.slice(at('composed/').length)), hints };
  };
  function addAndWrite(...given: string[]): void {
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    writeFiles(add(...given).stale);
    log.mockRestore();
  }
  const refusalOf = (...given: string[]): string => {
    try {
      add(...given);
    } catch (error) {
      expect((error as Error).name).toBe('CompositionError');
      return (error as Error).message;
    }
    return 'nothing was refused';
  };

  test('are composed, kept for the next time, and let go when their file is deleted', () => {
    addAndWrite(`reviews=${reviewsSdlPath}`, `shipping=${write('shipping.graphql', shipping)}`);
    expect(subgraphsOf(composed('supergraph.graphql')).toSorted()).toEqual(['order', 'payment', 'product', 'reviews', 'shipping', 'user']); // prettier-ignore
    const product = buildSchema(composed('api.graphql')).getType('Product');
    expect(isObjectType(product) && Object.keys(product.getFields())).toEqual(expect.arrayContaining(['name', 'reviews', 'rating'])); // prettier-ignore
    expect(composed('subgraphs/reviews.graphql')).toBe(reviewsSdl);
    expect(add()).toEqual({ stale: [], paths: [], hints: [] });

    write('composed/subgraphs/shipping.graphql', shipping.replace('parcels', 'boxes'));
    expect(add().paths).toEqual(['supergraph.graphql', 'api.graphql']);
    expect(add(`shipping=${at('shipping.graphql')}`).paths).toEqual(['subgraphs/shipping.graphql']);

    rmSync(at('composed/subgraphs/shipping.graphql'));
    addAndWrite();
    expect(subgraphsOf(composed('supergraph.graphql'))).not.toContain('shipping');
    rmSync(at('composed/subgraphs/reviews.graphql'));
    addAndWrite();
    expect(existsSync(at('composed/supergraph.graphql'))).toBe(false);
  });

  test('may be in the form of Federation 1', () => {
    const { stale } = add(`reviews=${write('one.graphql', 'extend type Product @key(fields: "id") { id: ID! @external rating: Float }')}`); // prettier-ignore
    expect(stale.find(([path]) => path === at('composed/api.graphql'))?.[1]).toContain('rating: Float');
  });

  test.each([
    ['a key whose field it does not declare', 'extend type Product @key(fields: "id") {\n  rating: Float }', ':1:1 KEY_INVALID_FIELDS: ', 'id: ID! …'],
    ['a field that another subgraph has', `${federation2}type Product @key(fields: "id") { id: ID!\n  name: String! }`, ':3:3 INVALID_FIELD_SHARING: ', 'mark it @shareable'],
    ['an unknown type', 'type Review { id: ID!\n  by: Nobody }', ':2:7 INVALID_GRAPHQL: [reviews] Unknown type', 'Nobody'],
    ['no GraphQL', 'type Review {', ':1:14 Syntax Error', 'Expected Name'],
  ])('are refused with the place and the mend for %s', (_, sdl, place, mend) => {
    const path = write('wrong.graphql', sdl);
    const message = refusalOf(`reviews=${path}`);
    expect(message).toContain(`${path}${place}`);
    expect(message).toContain(mend);
  }); // prettier-ignore

  test.each([
    ['a file that is not there', 'reviews=/none.graphql', "/none.graphql can't be read (ENOENT)"],
    ['no file', 'reviews', '--add reviews: is not name=file'],
    ['the name of one of ours', 'order=shipping.graphql', 'give yours another name'],
    ['a name that is none', '../x=shipping.graphql', "can't be a subgraph's name"],
  ])('are refused for %s', (_, given, message) => {
    expect(refusalOf(given)).toContain(message);
  });

  test('are hinted at for what would trouble clients: fields that are never null, and what clients had', () => {
    const sdl = `${federation2}
      type Product @key(fields: "id") { id: ID! rating: Float! }
      type Money @shareable { amount: SafeInt currency: String! }
      scalar SafeInt`;
    const { hints } = add(`reviews=${write('fragile.graphql', sdl)}`);
    expect(hints).toContainEqual(expect.stringContaining('NON_NULL_ADDED: Product.rating is never null'));
    expect(hints).toContainEqual(expect.stringMatching(/^FIELD_CHANGED_KIND: Money\.amount .* This breaks clients/));
  });

  test('are kept where the gateway looks for them', () => {
    expect(join(composedDir, 'supergraph.graphql')).toBe(composedSupergraph);
  });
});

describe('npm run compose', () => {
  const root = resolve(import.meta.dirname, '..', '..');
  /** As called from the test's directory. */
  const run = (...args: string[]) =>
    new Promise<{ code: number; said: string }>((done) => {
      const child = execFile(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', 'schema/compose.ts', '--to', 'composed', ...args],
        { cwd: root, env: { ...process.env, INIT_CWD: directory } },
        (_, stdout, stderr) => done({ code: child.exitCode ?? -1, said: `${stdout}${stderr}` }),
      );
    });

  test('adds a subgraph, says how to serve it, and checks it', async () => {
    write('shipping.graphql', shipping);
    const { code, said } = await run('--add', 'shipping=shipping.graphql');
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(`serve it: SUPERGRAPH_PATH=${at('composed/supergraph.graphql')} GRAPH_SUBGRAPHS=shipping=<its URL> npm start`) }); // prettier-ignore
    write('composed/subgraphs/shipping.graphql', shipping.replace('parcels', 'boxes'));
    expect(await run('--check')).toEqual({
      code: 1,
      said: expect.stringMatching(/composed\/supergraph\.graphql is not what the schemas yield: run npm run compose/),
    });
  }, 120_000);

  test('says what it does not understand, and writes nothing', async () => {
    expect(await run('--ad', 'reviews=x')).toEqual({ code: 1, said: expect.stringContaining("Unknown option '--ad'") });
    write('wrong.graphql', 'type Review {');
    expect(await run('--add', 'reviews=wrong.graphql')).toEqual({ code: 1, said: 'wrong.graphql:1:14 Syntax Error: Expected Name, found <EOF>.\n' }); // prettier-ignore
    expect(existsSync(at('composed'))).toBe(false);
  }, 120_000);
});
