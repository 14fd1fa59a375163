import {
  type DocumentNode,
  type GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { type GatewayErrorCode, refusal } from '../errors.ts';
import { conditionVariables } from '../execute/operation.ts';
import type { Variables } from '../execute/types.ts';
import { type Fragments, fragmentsOf, rootFields } from './fragments.ts';

/** What one document may ask, over HTTP and WebSocket alike. Fragments count wherever they are spread. */
export const limits = {
  tokens: 1_000,
  operations: 1,
  fields: 2_000,
  depth: 10,
  /** GraphiQL's introspection query needs 15; lists within lists are bounded by graphql-js's own rule. */
  introspectionDepth: 20,
  /** The whole schema is 200 kB of JSON; each alias below it counts as another. */
  schemas: 1,
  /** `__type`s; each alias below one counts as another. */
  types: 10,
  /** Lists and objects within a literal: Apollo's planner takes twice as long for each list around a list. */
  literalDepth: 10,
  /** Lists and objects within the variables: JSON is written by functions that call themselves. */
  variableDepth: 100,
  /** Those of `__typename` too. */
  aliases: 15,
  directives: 10,
  /** Variables that decide a `@skip` or `@include`: an operation is planned for each setting of them, up to 2^n times. */
  conditionVariables: 5,
  mutationRoots: 5,
  /** Nodes that the page sizes ask for: the product of nested `first`s, summed. */
  cost: 5_000,
  /** Values that the answer could have, lists without a page size at their longest and long texts as many. */
  values: 100_000,
} as const;

/** Costly by themselves, or worth guessing at: one of them a document, and once. */
const onlyOnce: ReadonlySet<string> = new Set([
  'login', 'loginWithIdentity', 'linkIdentity', 'beginIdentityLogin', 'register', 'refreshTokens', 'changePassword',
  'requestPasswordReset', 'resetPassword', 'requestEmailVerification', 'verifyEmail',
  'createPayment', 'createMixedPayment', 'retryPayment', 'capturePayment', 'refundPayment', 'creditWallet',
]); // prettier-ignore

/**
 * The document's only operation, once it keeps all limits that don't depend on variables. Throws a refusal with the
 * limit's own code. Runs before validation, which it thereby bounds; its own work is linear in the document.
 */
export function checkDocument(document: DocumentNode): OperationDefinitionNode {
  const [operation, ...more] = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw refusal('BAD_REQUEST', 'The document has no operation.');
  if (more.length > 0)
    throw refusal('TOO_MANY_OPERATIONS', 'A document may hold one operation; send the others by themselves.');
  refuseIncremental(document);
  const fragments = fragmentsOf(document);
  const size = measure(operation, fragments);
  const within = (actual: number, limit: number, code: GatewayErrorCode, what: string) => {
    if (actual > limit) throw refusal(code, `The operation ${what}; at most ${limit} are allowed.`);
  };
  within(size.fields, limits.fields, 'TOO_MANY_FIELDS', 'selects too many fields, its fragments expanded');
  within(size.depth, limits.depth, 'TOO_DEEP', `is ${size.depth} levels deep`);
  within(
    size.introspectionDepth,
    limits.introspectionDepth,
    'TOO_DEEP',
    `is ${size.introspectionDepth} levels deep in its introspection`,
  );
  within(size.schemas, limits.schemas, 'TOO_MUCH_INTROSPECTION', 'reads __schema more than once, or below it by alias');
  within(size.types, limits.types, 'TOO_MUCH_INTROSPECTION', 'reads too many __types');
  within(literalDepth(document), limits.literalDepth, 'TOO_DEEP', 'has a literal nested too deep');
  within(size.aliases, limits.aliases, 'TOO_MANY_ALIASES', 'uses too many aliases');
  within(size.directives, limits.directives, 'TOO_MANY_DIRECTIVES', 'uses too many directives');
  within(
    conditionVariables(document).length,
    limits.conditionVariables,
    'TOO_MANY_DIRECTIVES',
    'has too many variables in @skip and @include',
  );
  if (operation.operation === 'mutation') checkMutationRoots(operation, fragments);
  if (operation.operation === 'subscription') checkSubscriptionRoots(operation, fragments);
  return operation;
}

/**
 * What is wrong with a client's variables whatever they are for: lists and objects nested too deep, or a text, names of fields
 * included, with one half of a surrogate pair, for which UTF-8 has no bytes. Undefined when nothing is.
 */
export function refusalOfVariables(variables: Variables): GraphQLError | undefined {
  let level: unknown[] = [variables];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limits.variableDepth)
      return refusal(
        'TOO_DEEP',
        `The variables are nested too deep; at most ${limits.variableDepth} levels are allowed.`,
      );
    const next: unknown[] = [];
    for (const value of level) {
      const texts = typeof value === 'string' ? [value] : Array.isArray(value) ? [] : Object.keys(value as object);
      if (!texts.every((text) => text.isWellFormed()))
        return refusal('BAD_REQUEST', 'A variable holds one half of a surrogate pair, which is no character.');
      if (typeof value === 'string') continue;
      for (const inner of Object.values(value as object))
        if (typeof inner === 'string' || (typeof inner === 'object' && inner !== null)) next.push(inner);
    }
    level = next;
  }
  return undefined;
}

/** Clients know these two from other servers, so they learn more than that the schema has no such directive. */
const incremental: ReadonlySet<string> = new Set(['defer', 'stream']);

function refuseIncremental(document: DocumentNode): void {
  visit(document, {
    Directive({ name: { value } }) {
      if (incremental.has(value))
        throw refusal(
          'DEFER_NOT_SUPPORTED',
          `@${value} is not supported: an operation is answered all at once. Leave the directive out, and ask in an operation of its own for what may come later.`,
        );
    },
  });
}

type Size = Record<'fields' | 'depth' | 'introspectionDepth' | 'schemas' | 'types' | 'aliases' | 'directives', number>;
const nothing: Size = { fields: 0, depth: 0, introspectionDepth: 0, schemas: 0, types: 0, aliases: 0, directives: 0 };

/** Measures each fragment once. A fragment within itself counts nothing: validation refuses the cycle afterwards. */
function measure(operation: OperationDefinitionNode, fragments: Fragments): Size {
  const measured = new Map<string, Size>();

  function fragmentSize(name: string): Size {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, nothing);
    const fragment = fragments.get(name);
    const size = fragment ? selectionSize(fragment.selectionSet) : nothing;
    measured.set(name, size);
    return size;
  }
  function selectionSize({ selections }: SelectionSetNode): Size {
    const total = { ...nothing };
    for (const selection of selections) {
      total.directives += selection.directives?.length ?? 0;
      const isField = selection.kind === Kind.FIELD;
      const inner = isField || selection.kind === Kind.INLINE_FRAGMENT ? (selection.selectionSet ? selectionSize(selection.selectionSet) : nothing) : fragmentSize(selection.name.value); // prettier-ignore
      const isSchema = isField && selection.name.value === '__schema';
      const isType = isField && selection.name.value === '__type';
      total.fields += inner.fields + (isField ? 1 : 0);
      total.aliases += inner.aliases + (isField && selection.alias ? 1 : 0);
      total.directives += inner.directives;
      total.schemas += inner.schemas + (isSchema ? 1 + inner.aliases : 0);
      total.types += inner.types + (isType ? 1 + inner.aliases : 0);
      if (isSchema || isType) total.introspectionDepth = Math.max(total.introspectionDepth, inner.depth + 1);
      else total.depth = Math.max(total.depth, inner.depth + (isField ? 1 : 0));
      total.introspectionDepth = Math.max(total.introspectionDepth, inner.introspectionDepth);
    }
    return total;
  }
  const size = selectionSize(operation.selectionSet);
  const variableDirectives =
    operation.variableDefinitions?.reduce((sum, variable) => sum + (variable.directives?.length ?? 0), 0) ?? 0;
  return { ...size, directives: size.directives + (operation.directives?.length ?? 0) + variableDirectives };
}

/** The deepest literal of the whole document: of arguments, directives and defaults. */
function literalDepth(document: DocumentNode): number {
  let depth = 0;
  let deepest = 0;
  const level = {
    enter: () => {
      depth += 1;
      deepest = Math.max(deepest, depth);
    },
    leave: () => {
      depth -= 1;
    },
  };
  visit(document, { ListValue: level, ObjectValue: level });
  return deepest;
}

function checkMutationRoots(operation: OperationDefinitionNode, fragments: Fragments): void {
  const names = rootFields(operation.selectionSet, fragments, limits.mutationRoots + 1).map((root) => root.name);
  if (names.length > limits.mutationRoots)
    throw refusal('TOO_MANY_MUTATIONS', `A document may hold ${limits.mutationRoots} mutations.`);
  const sensitive = names.filter((name) => onlyOnce.has(name));
  if (sensitive.length > 1)
    throw refusal('TOO_MANY_MUTATIONS', `A document may hold one of ${[...new Set(sensitive)].join(', ')}, once.`);
}

/** GraphQL §5.2.4, which graphql-js has from version 17 on (https://github.com/graphql/graphql-js/pull/3974); its rule of 16 throws when the condition is a variable. */
function checkSubscriptionRoots(operation: OperationDefinitionNode, fragments: Fragments): void {
  if (rootFields(operation.selectionSet, fragments, 2).some((root) => root.conditional)) {
    throw refusal('GRAPHQL_VALIDATION_FAILED', "A subscription's root field can't have @skip or @include.");
  }
}
