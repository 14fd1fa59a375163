import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';
import { escaped } from '../../gateway/pages/page-html.ts';
import { withFragments } from '../../schema/with-fragments.ts';
import { type Example, madeExample, neededVariables, operationsByField } from './examples.ts';
import { highlighted, renderInline, renderText } from './markdown.ts';

/** A page of the reference; `text` is what the search finds it by, besides its title. */
export type ReferencePage = {
  readonly url: string;
  readonly title: string;
  readonly html: string;
  readonly text: string;
};

const kinds = ['query', 'mutation', 'subscription'] as const;
type Kind = (typeof kinds)[number];
const plural: Readonly<Record<Kind, string>> = {
  query: 'queries',
  mutation: 'mutations',
  subscription: 'subscriptions',
};
/** Longer addresses are refused on the way by some servers. */
const longestAddress = 8_000;

const fieldUrl = (kind: Kind, name: string): string => `/docs/api/${plural[kind]}/${name}`;
const typeUrl = (name: string): string => `/docs/api/types/${name}`;
const isNone = (text: string | null | undefined): text is null | undefined => text === null || text === undefined;
const sentence = (text: string): string => /^.*?[.:](?=\s|$)/s.exec(text)?.[0] ?? text;

/** The reference of the API: a page for each root field with an example, one for each type, and their index. Throws where the SDL is wrong. */
export function renderReference(root: string): ReferencePage[] {
  const schema = buildSchema(readFileSync(join(root, 'schema/api.graphql'), 'utf8'));
  const operations = globSync('schema/operations/*.graphql', { cwd: root }).toSorted();
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const fragments = read('schema/operations/fragments.graphql');
  const own = operationsByField(operations.filter((path) => !path.endsWith('fragments.graphql')).map(read));
  const roots = kinds.flatMap((kind) => rootOf(schema, kind).map((field) => ({ kind, field })));
  const types = Object.values(schema.getTypeMap())
    .filter((type) => !type.name.startsWith('__') && !isRoot(schema, type) && !isSpecifiedScalarType(type))
    .toSorted((left, right) => left.name.localeCompare(right.name));
  return [
    indexPage(roots, types),
    ...roots.map(({ kind, field }) => {
      const client = own.get(`${kind}.${field.name}`);
      const example =
        client === undefined ? madeExample(schema, kind, field) : clientExample(schema, client, fragments);
      return fieldPage(kind, field, example);
    }),
    ...types.map((type) => typePage(schema, type)),
  ];
}

const rootOf = (schema: GraphQLSchema, kind: Kind): GraphQLField<unknown, unknown>[] => {
  const type = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() }[kind]; // prettier-ignore
  return Object.values(type?.getFields() ?? {}).toSorted((left, right) => left.name.localeCompare(right.name));
};

const isRoot = (schema: GraphQLSchema, type: GraphQLNamedType): boolean =>
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].includes(type as GraphQLObjectType);

/** One of the operations that our own pages send. */
const clientExample = (schema: GraphQLSchema, text: string, fragments: string): Example => ({
  shown: text.trim(),
  sent: withFragments(text, fragments),
  variables: neededVariables(schema, text),
});

function indexPage(
  roots: readonly { kind: Kind; field: GraphQLField<unknown, unknown> }[],
  types: readonly GraphQLNamedType[],
): ReferencePage {
  // prettier-ignore
  const list = (entries: readonly (readonly [url: string, name: string, description: string])[]): string =>
    `<dl class="entries">${entries.map(([url, name, description]) => `<div><dt><a href="${url}"><code>${name}</code></a></dt><dd>${renderInline(sentence(description))}</dd></div>`).join('')}</dl>`;
  const parts = kinds.map((kind) => {
    const fields = roots.filter((one) => one.kind === kind);
    const entries = fields.map(
      ({ field }) => [fieldUrl(kind, field.name), field.name, field.description ?? ''] as const,
    );
    return `<h2 id="${plural[kind]}">${capital(plural[kind])}</h2>${list(entries)}`;
  });
  const groups = typeGroups.map(([title, isOf]) => {
    const entries = types.filter(isOf).map((type) => [typeUrl(type.name), type.name, type.description ?? ''] as const);
    return `<h2 id="${title.toLowerCase().replaceAll(' ', '-')}">${title}</h2>${list(entries)}`;
  });
  const html = `<h1>The API, field by field</h1><p>One endpoint, <code>/graphql</code>, over HTTP and WebSocket; Server-Sent Events at <code>/graphql/stream</code>. <a href="/graphiql">GraphiQL</a> runs every example.</p>${parts.join('')}${groups.join('')}`;
  return { url: '/docs/api', title: 'The API, field by field', html, text: 'GraphQL reference schema SDL' };
}

const typeGroups: readonly (readonly [string, (type: GraphQLNamedType) => boolean])[] = [
  ['Objects', isObjectType],
  ['Inputs', isInputObjectType],
  ['Enums', isEnumType],
  ['Unions and interfaces', (type) => isUnionType(type) || isInterfaceType(type)],
  ['Scalars', isScalarType],
];

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** A type as it is written, with its name leading to its page. */
const typeLink = (type: { toString(): string }): string =>
  escaped(type.toString()).replace(/\w+/, (name) =>
    ['String', 'Int', 'Float', 'Boolean', 'ID'].includes(name) ? name : `<a href="${typeUrl(name)}">${name}</a>`,
  );

type Member = { name: string; type: { toString(): string }; description?: string | null | undefined; deprecationReason?: string | null | undefined; defaultValue?: unknown }; // prettier-ignore

const isField = (member: object): member is GraphQLField<unknown, unknown> => 'args' in member;

/** A table of fields, arguments or input fields. */
function table(members: readonly (GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField)[]): string {
  const row = (member: GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField): string => {
    const { name, type, description, deprecationReason, defaultValue }: Member = member;
    const args = isField(member) && member.args.length > 0 ? `<ul class="args">${member.args.map((arg) => `<li><code>${arg.name}: ${typeLink(arg.type)}</code> ${renderInline(arg.description ?? '')}</li>`).join('')}</ul>` : ''; // prettier-ignore
    const usual = defaultValue === undefined ? '' : ` <span class="muted">Default: <code>${escaped(JSON.stringify(defaultValue))}</code></span>`; // prettier-ignore
    const old = isNone(deprecationReason)
      ? ''
      : `<p class="deprecated">Deprecated: ${renderInline(deprecationReason)}</p>`;
    return `<div id="${name}"><dt><code>${name}: ${typeLink(type)}</code></dt><dd>${renderText(description ?? '')}${usual}${old}${args}</dd></div>`;
  };
  return `<dl class="members">${members.map(row).join('')}</dl>`;
}

function fieldPage(kind: Kind, field: GraphQLField<unknown, unknown>, example: Example): ReferencePage {
  const { name, args, type, description, deprecationReason } = field;
  const query = new URLSearchParams({
    query: example.sent,
    ...(example.variables && { variables: example.variables }),
  });
  const address = `/graphiql?${query.toString()}`;
  const open =
    address.length > longestAddress ? '' : `<p><a class="open" href="${escaped(address)}">Open in GraphiQL</a></p>`;
  const result = getNamedType(type);
  const html = [
    `<p class="kind">${capital(kind)}</p><h1>${name}</h1>`,
    renderText(description ?? ''),
    isNone(deprecationReason) ? '' : `<p class="deprecated">Deprecated: ${renderInline(deprecationReason)}</p>`,
    args.length === 0 ? '' : `<h2 id="arguments">Arguments</h2>${table(args)}`,
    `<h2 id="answer">Answer</h2><p><code>${typeLink(type)}</code></p>`,
    isObjectType(result) ? table(Object.values(result.getFields())) : renderText(result.description ?? ''),
    `<h2 id="example">Example</h2>${highlighted(example.shown, 'graphql')}`,
    example.variables === '' ? '' : `<p>Variables:</p>${highlighted(example.variables, 'json')}`,
    open,
  ].join('');
  return { url: fieldUrl(kind, name), title: name, html, text: description ?? '' };
}

function typePage(schema: GraphQLSchema, type: GraphQLNamedType): ReferencePage {
  const html = [
    `<p class="kind">${kindOf(type)}</p><h1>${type.name}</h1>`,
    renderText(type.description ?? ''),
    membersOf(schema, type),
    usesOf(schema, type),
  ].join('');
  return { url: typeUrl(type.name), title: type.name, html, text: type.description ?? '' };
}

const kindOf = (type: GraphQLNamedType): string => {
  if (isObjectType(type)) return 'Object';
  if (isInputObjectType(type)) return type.isOneOf ? 'Input: exactly one of its fields' : 'Input';
  if (isEnumType(type)) return 'Enum';
  if (isUnionType(type)) return 'Union';
  return isInterfaceType(type) ? 'Interface' : 'Scalar';
};

function membersOf(schema: GraphQLSchema, type: GraphQLNamedType): string {
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
    const fields: (GraphQLField<unknown, unknown> | GraphQLInputField)[] = Object.values(type.getFields());
    return `<h2 id="fields">Fields</h2>${table(fields)}${isInterfaceType(type) ? possible(schema.getPossibleTypes(type)) : ''}`;
  }
  if (isEnumType(type)) {
    const values = type.getValues().map(({ name, description }) => `<div id="${name}"><dt><code>${name}</code></dt><dd>${renderText(description ?? '')}</dd></div>`); // prettier-ignore
    return `<h2 id="values">Values</h2><dl class="members">${values.join('')}</dl>`;
  }
  return isUnionType(type) ? possible(type.getTypes()) : '';
}

const possible = (types: readonly GraphQLObjectType[]): string =>
  `<h2 id="types">One of</h2><dl class="entries">${types.map(({ name, description }) => `<div><dt><a href="${typeUrl(name)}"><code>${name}</code></a></dt><dd>${renderInline(sentence(description ?? ''))}</dd></div>`).join('')}</dl>`; // prettier-ignore

/** Where a type is the answer, an argument or a part. */
function usesOf(schema: GraphQLSchema, type: GraphQLNamedType): string {
  const uses: string[] = [];
  for (const kind of kinds)
    for (const field of rootOf(schema, kind))
      if ([field, ...field.args].some((one) => getNamedType(one.type) === type))
        uses.push(`<a href="${fieldUrl(kind, field.name)}"><code>${field.name}</code></a>`);
  for (const other of Object.values(schema.getTypeMap())) {
    if (other.name.startsWith('__') || isRoot(schema, other)) continue;
    if (!isObjectType(other) && !isInputObjectType(other) && !isInterfaceType(other)) continue;
    for (const field of Object.values(other.getFields()) as (GraphQLField<unknown, unknown> | GraphQLInputField)[])
      if (getNamedType(field.type) === type)
        uses.push(`<a href="${typeUrl(other.name)}#${field.name}"><code>${other.name}.${field.name}</code></a>`);
  }
  return uses.length === 0 ? '' : `<h2 id="used-by">Used by</h2><p class="uses">${uses.join(' ')}</p>`;
}
