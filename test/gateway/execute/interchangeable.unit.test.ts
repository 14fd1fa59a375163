import type { FetchNode } from '@apollo/query-planner';
import { describe, expect, test } from '@jest/globals';
import { compilePath } from '../../../gateway/execute/paths.ts';
import { type PlacedFetch, openLeavesAt } from '../../../gateway/execute/interchangeable.ts';
import { parseFetch } from '../../../gateway/execute/subgraph-query.ts';

const place = (node: FetchNode, path: PlacedFetch['path']): PlacedFetch => ({ node, path, parsed: parseFetch(node) });
const root = (operation: string, more: Partial<FetchNode> = {}): PlacedFetch =>
  place({ kind: 'Fetch', serviceName: 'a', operation, operationKind: 'query', operationDocumentNode: undefined, ...more } as FetchNode, []); // prettier-ignore
const entity = (path: readonly string[], selection: string, more: Partial<FetchNode> = {}): PlacedFetch =>
  place(
    {
      ...root(`query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on T { ${selection} } } }`).node, // prettier-ignore
      requires: [{ kind: 'InlineFragment', typeCondition: 'T', selections: [{ kind: 'Field', name: 'id' }] }],
      ...more,
    },
    path,
  );

const at: readonly string[] = ['list', '@', 'one'];
const brings = root('{ list { title one { __typename ...Key } } } fragment Key on T { key: id }');
const asks = entity(at, 'name price');

describe('objects at a path can become one', () => {
  test('when all that is fetched of them are a few leaves, and leaves are asked about them', () => {
    expect(openLeavesAt([brings, asks, entity(at, 'stock')])(at)).toEqual(['__typename', 'key']);
  });

  test('when an entity fetch brings them, on the way to which others bring what is above', () => {
    const above = root('{ list { __typename id } }');
    const inner = entity(['list', '@'], 'one { id }');
    expect(openLeavesAt([above, inner, entity(['list', '@'], 'rating'), asks])(at)).toEqual(['id']);
  });

  type Case = [why: string, fetches: readonly PlacedFetch[], path?: typeof at];
  const cannot: Case[] = [
    ['nothing that the plan says brings them', [asks]],
    ['they have objects of their own', [root('{ list { one { id size { width } } } }'), asks]],
    ['they have more leaves than are worth comparing', [root('{ list { one { a b c d e } } }'), asks]],
    ['a leaf is called as what every object inherits', [root('{ list { one { id constructor } } }'), asks]],
    ['the path is', [root('{ __proto__: list { id } }'), entity(['__proto__', '@'], 'name')], ['__proto__', '@']],
    ['two fetches bring them', [brings, root('{ list { one { other } } }'), asks]],
    ['another could replace what they are in', [root('{ list { id } }'), entity(['list', '@'], 'part { one { id } }'), root('{ list { part { other } } }'), asks], ['list', '@', 'part', 'one']],
    ['what brings them has names rewritten', [{ ...brings, node: { ...brings.node, outputRewrites: [{ kind: 'KeyRenamer', path: ['x'], renameKeyTo: 'y' }] } }, asks]],
    ['what is asked about them has names rewritten', [brings, entity(at, 'name', { outputRewrites: [{ kind: 'KeyRenamer', path: ['x'], renameKeyTo: 'y' }] })]],
    ['objects are asked about them', [brings, entity(at, 'maker { id }')]],
    ['something is asked below them', [brings, asks, entity([...at, 'maker'], 'name')]],
    ['a field leads from them to the root', [brings, asks, { ...root('{ other }'), path: at }]],
  ]; // prettier-ignore
  test.each(cannot)('not when %s', (_, fetches, path = at) => {
    expect(openLeavesAt(fetches)(path)).toBeNull();
  });
});

describe.each([
  ['generated code', true],
  ['closures', false],
])('becoming one (%s)', (_, generateCode) => {
  const unite = (path: readonly string[], leaves: readonly string[], data: Record<string, unknown>) =>
    compilePath(path, generateCode, leaves).unite?.(data);

  test('takes those that agree in all leaves, in lists and in fields, and answers each once in their order', () => {
    const one = (id: unknown, type = 'T') => ({ __typename: type, id });
    const data = { list: [{ one: one('1') }, null, { one: one('2') }, { one: null }, { one: one('1') }, { one: one('1', 'U') }, { one: one(1) }, {}, 'x'] }; // prettier-ignore
    const before = structuredClone(data);
    const objects = unite(['list', '@', 'one'], ['__typename', 'id'], data);
    expect(objects).toEqual([one('1'), one('2'), one('1', 'U'), one(1)]);
    expect(data).toEqual(before);
    expect((data.list[4] as { one: unknown }).one).toBe((data.list[0] as { one: unknown }).one);
    expect((data.list[5] as { one: unknown }).one).not.toBe((data.list[0] as { one: unknown }).one);

    const lists = {
      a: [
        [{ id: '1' }, { id: '1' }],
        [{ id: '1' }, null],
      ],
    };
    expect(unite(['a', '@', '@'], ['id'], lists)).toEqual([{ id: '1' }]);
    expect(new Set(lists.a.flat())).toEqual(new Set([{ id: '1' }, null]));
    expect(lists.a[1]?.[0]).toBe(lists.a[0]?.[0]);
  });

  test('leaves those apart whose leaves are lists or objects, and finds those that lack one equal', () => {
    const data = { list: [{ id: [1] }, { id: [1] }, { id: { a: 1 } }, { id: { a: 1 } }, {}, {}, { id: null }] };
    expect(unite(['list', '@'], ['id'], data)).toHaveLength(6);
    expect(data.list[0]).not.toBe(data.list[1]);
    expect(data.list[4]).toBe(data.list[5]);
  });
});
