import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { buildSchema, isObjectType } from 'graphql';
import { composedSupergraph, subgraphsOf } from '../../gateway/supergraph/added-subgraphs.ts';
import { composedDir } from '../../schema/added.ts';
import { reviewsSdl, reviewsSdlPath } from '../support/reviews.ts';

const root = resolve(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'compose-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs `npm run compose` as from the test's directory. */
const compose = (...args: string[]) =>
  new Promise<{ code: number; said: string }>((done) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'schema/compose.ts', '--to', 'composed', ...args],
      { cwd: root, env: { ...process.env, INIT_CWD: directory } },
      (_, stdout, stderr) => done({ code: child.exitCode ?? -1, said: `${stdout}${stderr}` }),
    );
  });
const at = (path: string): string => join(directory, path);
const composed = (path: string): string => readFileSync(at(`composed/${path}`), 'utf8');
const write = (path: string, text: string): void => writeFileSync(at(path), text);

const shipping = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Order @key(fields: "id") { id: ID! parcels: Int }
`;

describe('npm run compose -- --add', () => {
  beforeEach(() => rmSync(at('composed'), { recursive: true, force: true }));

  test('composes subgraphs with ours, keeps them for the next time, and lets go of one whose file is deleted', async () => {
    write('shipping.graphql', shipping);
    const first = await compose('--add', `reviews=${reviewsSdlPath}`, '--add', 'shipping=shipping.graphql');
    expect(first).toEqual({ code: 0, said: expect.stringContaining(`serve it: SUPERGRAPH_PATH=${at('composed/supergraph.graphql')} GRAPH_SUBGRAPHS=reviews=<its URL>,shipping=<its URL> npm start`) }); // prettier-ignore
    expect(first.said).not.toContain('hint');
    expect(subgraphsOf(composed('supergraph.graphql')).toSorted()).toEqual(['order', 'payment', 'product', 'reviews', 'shipping', 'user']); // prettier-ignore
    const product = buildSchema(composed('api.graphql')).getType('Product');
    expect(isObjectType(product) && Object.keys(product.getFields())).toEqual(expect.arrayContaining(['name', 'reviews', 'rating'])); // prettier-ignore
    expect(composed('subgraphs/reviews.graphql')).toBe(reviewsSdl);
    expect(await compose('--check')).toEqual({ code: 0, said: '' });

    write('composed/subgraphs/shipping.graphql', shipping.replace('parcels', 'boxes'));
    expect(await compose('--check')).toEqual({
      code: 1,
      said: expect.stringMatching(/composed\/supergraph\.graphql is not what the schemas yield: run npm run compose/),
    });
    expect(await compose('--check', '--add', 'shipping=shipping.graphql')).toEqual({
      code: 1,
      said: expect.stringMatching(/composed\/subgraphs\/shipping\.graphql is not/),
    });
    rmSync(at('composed/subgraphs/shipping.graphql'));
    expect((await compose()).code).toBe(0);
    expect(composed('supergraph.graphql')).not.toContain('boxes');
    expect(composed('api.graphql')).not.toContain('parcels');
    rmSync(at('composed/subgraphs/reviews.graphql'));
    expect((await compose()).said).toContain('removed');
    expect(existsSync(at('composed/supergraph.graphql'))).toBe(false);
  }, 120_000);

  test('keeps them where the gateway looks for them', () => {
    expect(join(composedDir, 'supergraph.graphql')).toBe(composedSupergraph);
  });

  test('takes schemas in the form of Federation 1 as they are', async () => {
    write('one.graphql', 'extend type Product @key(fields: "id") { id: ID! @external rating: Float }');
    expect((await compose('--add', 'reviews=one.graphql')).code).toBe(0);
    expect(composed('api.graphql')).toContain('rating: Float');
  }, 60_000);

  test.each([
    ['a key whose field it does not declare', 'extend type Product @key(fields: "id") {\n  rating: Float }', 'wrong.graphql:1:1 KEY_INVALID_FIELDS: ', 'id: ID! …'],
    ['a field that another subgraph has', 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])\ntype Product @key(fields: "id") { id: ID!\n  name: String! }', 'wrong.graphql:3:3 INVALID_FIELD_SHARING: ', 'mark it @shareable'],
    ['an unknown type', 'type Review { id: ID!\n  by: Nobody }', 'wrong.graphql:2:7 INVALID_GRAPHQL: [reviews] Unknown type', 'Nobody'],
    ['no GraphQL', 'type Review {', 'wrong.graphql:1:14 Syntax Error', 'Expected Name'],
  ])('says where there is %s, and writes nothing', async (_, sdl, place, mend) => {
    write('wrong.graphql', sdl);
    const { code, said } = await compose('--add', 'reviews=wrong.graphql');
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining(place) });
    expect(said).toContain(mend);
    expect(existsSync(at('composed'))).toBe(false);
  }, 60_000); // prettier-ignore

  test.each([
    ['a file that is not there', ['--add', 'reviews=none.graphql'], 1, "none.graphql can't be read (ENOENT)"],
    ['no file', ['--add', 'reviews'], 1, '--add reviews: is not name=file'],
    ['the name of one of ours', ['--add', 'order=shipping.graphql'], 1, 'give yours another name'],
    ['a name that is none', ['--add', '../x=shipping.graphql'], 1, "can't be a subgraph's name"],
    ['an option that there is not', ['--ad', 'reviews=x'], 2, "Unknown option '--ad'"],
  ])('refuses %s', async (_, args, code, message) => {
    expect(await compose(...args)).toEqual({ code, said: expect.stringContaining(message) });
    expect(existsSync(at('composed'))).toBe(false);
  }, 60_000); // prettier-ignore

  test('warns of what would trouble clients: fields that are never null, and what they had', async () => {
    write('fragile.graphql', `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
      type Product @key(fields: "id") { id: ID! rating: Float! }
      type Money @shareable { amount: SafeInt currency: String! }
      scalar SafeInt
    `); // prettier-ignore
    const { code, said } = await compose('--add', 'reviews=fragile.graphql');
    expect(code).toBe(0);
    expect(said).toContain('hint NON_NULL_ADDED: Product.rating is never null');
    expect(said).toMatch(/hint FIELD_CHANGED_KIND: Money\.amount .* This breaks clients/);
  }, 60_000);
});
