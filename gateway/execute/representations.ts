import type { FetchDataRewrite, QueryPlanFieldNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import {
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { compileReader, getOwn, isInherited, ownReader, setOwn } from './own.ts';
import { compileRewrites } from './rewrites.ts';
import { isOfType } from './type-conditions.ts';
import { type JsonObject, isJsonObject } from './types.ts';

/** Reads one of the values that identify an entity. */
export type ReadKey = (entity: JsonObject) => unknown;

/** Whether a field of an object is missing because what was to bring it failed. */
export type HasFailed = (object: JsonObject, name: string) => boolean;

/** The representations of entities for one fetch. */
export type Representations = {
  /**
   * The JSON text of an entity's representation, which is its identity within a fetch too. Null when the fetch is not for
   * entities of its type; undefined when it is, but something that is required failed, or is unknown and can't be null.
   */
  textOf(entity: JsonObject, hasFailed: HasFailed): string | null | undefined;
  /**
   * The fields whose values identify entities with this `__typename`, when they are leaves: equal values, equal text.
   * Null for others, whose text has to be compared.
   */
  keysOf(typename: string): readonly ReadKey[] | null;
};

/** The text of a value; undefined when something that is required is not known. */
type BuildText = (value: JsonObject) => string | undefined;
/** What is known of the entities of one type. */
type Keys = {
  readonly reads: readonly ReadKey[] | null;
  readonly build: BuildText;
  /** True when their text begins with `__typename`, so that it has one. */
  readonly beginsWithName: boolean;
};
type RequiredField = {
  /** The response name. */
  readonly name: string;
  readonly fieldName: string;
  readonly selections: readonly QueryPlanSelectionNode[] | null;
};

type Required = {
  readonly requires: readonly QueryPlanSelectionNode[];
  readonly inputRewrites?: readonly FetchDataRewrite[];
};

export function compileRepresentations(
  schema: GraphQLSchema,
  { requires, inputRewrites }: Required,
  generateCode: boolean,
): Representations {
  const rewrite = compileRewrites(schema, inputRewrites);
  const build = compileSelections(schema, requires);
  const keys = new Map<string, Keys>();

  function keysFor(typename: string): Keys {
    const known = keys.get(typename);
    if (known) return known;
    const fields = mergeFields(schema, requires, typename);
    const simple = fields.every(({ name, selections }) => selections === null && !isInherited(name));
    const names = fields.map(({ name }) => name);
    const values = names.filter((name) => name !== '__typename');
    const beginsWithName = names[0] === '__typename';
    // Only names of the schema get into code, and are remembered: a subgraph may answer any text.
    const isKnownType = schema.getType(typename) !== undefined;
    const found: Keys = {
      reads: simple ? values.map((name) => compileReader(name, generateCode)) : null,
      build: isKnownType && simple && beginsWithName && generateCode ? generateLeaves(typename, values) : build,
      beginsWithName,
    };
    if (isKnownType) keys.set(typename, found);
    return found;
  }
  return {
    textOf(entity, hasFailed) {
      const typename = entity['__typename'];
      if (typeof typename !== 'string') return null;
      const known = keysFor(typename);
      const text = known.build(entity) ?? completedText(schema, { entity, requires, hasFailed });
      if (text === undefined) return undefined;
      if (text === '{}') return null;
      if (!rewrite && known.beginsWithName) return text;
      const representation = JSON.parse(text) as JsonObject;
      if (typeof representation['__typename'] !== 'string') return null;
      rewrite?.(representation);
      return JSON.stringify(representation);
    },
    keysOf: (typename) => keysFor(typename).reads,
  };
}

/** The text of an entity of which only leaves are asked: its name and the values in turn, as `compileFields` has it. */
function generateLeaves(typename: string, names: readonly string[]): BuildText {
  const opening = `{"__typename":${JSON.stringify(typename)}`;
  const parts = names.map((name, index) => {
    const value = `v${index}`;
    return `const ${value} = entity[${JSON.stringify(name)}]; if (${value} === undefined) return undefined; text += ${JSON.stringify(`,${JSON.stringify(name)}:`)} + (typeof ${value} === 'string' && plain.test(${value}) ? '"' + ${value} + '"' : JSON.stringify(${value}));`;
  });
  // oxlint-disable-next-line typescript/no-implied-eval
  const make = new Function('plain', `'use strict'; return function (entity) { let text = ${JSON.stringify(opening)}; ${parts.join('\n')} return text + '}'; };`); // prettier-ignore
  return (make as (plain: RegExp) => BuildText)(plainText);
}

/** Text that JSON writes as it is. */
const plainText = /^[ !#-[\]-~]*$/;

/** One builder for each runtime type that is met: fragments are decided once, fields of several are merged. */
function compileSelections(schema: GraphQLSchema, selections: readonly QueryPlanSelectionNode[]): BuildText {
  const hasFragments = selections.some(({ kind }) => kind === 'InlineFragment');
  if (!hasFragments) return compileFields(schema, mergeFields(schema, selections, undefined));
  const builders = new Map<string, BuildText>();
  const untyped = compileFields(schema, mergeFields(schema, selections, undefined));
  return (value) => {
    const typename = value['__typename'];
    if (typeof typename !== 'string') return untyped(value);
    let build = builders.get(typename);
    if (!build) {
      build = compileFields(schema, mergeFields(schema, selections, typename));
      // Only names of the schema are remembered: a subgraph may answer any text.
      if (schema.getType(typename)) builders.set(typename, build);
    }
    return build(value);
  };
}

function mergeFields(
  schema: GraphQLSchema,
  selections: readonly QueryPlanSelectionNode[],
  typename: string | undefined,
): RequiredField[] {
  const merged = new Map<string, RequiredField>();
  const add = (nodes: readonly QueryPlanSelectionNode[]): void => {
    for (const node of nodes) {
      if (node.kind === 'Field') {
        const name = nameOf(node);
        const known = merged.get(name)?.selections;
        const inner = node.selections ? [...(known ?? []), ...node.selections] : null;
        merged.set(name, { name, fieldName: node.name, selections: inner });
      } else if (
        node.typeCondition === undefined ||
        (typename !== undefined && isOfType(schema, typename, node.typeCondition))
      ) {
        add(node.selections);
      }
    }
  };
  add(selections);
  return [...merged.values()];
}

const nameOf = (node: QueryPlanFieldNode): string => node.alias ?? node.name;

function compileFields(schema: GraphQLSchema, fields: readonly RequiredField[]): BuildText {
  const parts = fields.map(({ name, selections }, index) => ({
    read: ownReader(name),
    prefix: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
    text: compileValue(selections && compileSelections(schema, selections)),
  }));
  if (parts.length === 0) return () => '{}';
  return (value) => {
    let text = '';
    for (const part of parts) {
      const inner = part.text(part.read(value));
      if (inner === undefined) return undefined;
      text += part.prefix + inner;
    }
    return `${text}}`;
  };
}

function compileValue(build: BuildText | null): (value: unknown) => string | undefined {
  return function textOf(value): string | undefined {
    if (value === undefined) return undefined;
    if (value === null || build === null) return JSON.stringify(value);
    if (isJsonObject(value)) return build(value);
    // Something else than an object where the schema has one: the subgraph is not told nonsense.
    if (!Array.isArray(value)) return undefined;
    const elements = value.map(textOf);
    return elements.includes(undefined) ? undefined : `[${elements.join(',')}]`;
  };
}

/** A null in a place that can't be null: what is around it becomes null (GraphQL §6.4.4). */
const bubbles = Symbol('bubbles');
/** Something that is required failed, or is no value of its type. */
const unusable = Symbol('unusable');

/**
 * The text of a representation of which something is not known: a subgraph has nothing for the entity, or for one that
 * the requirement leads to. What is unknown is null where the schema allows it, as a client would get it. Undefined when
 * nothing is left to ask with.
 */
function completedText(
  schema: GraphQLSchema,
  { entity, requires, hasFailed }: { entity: JsonObject; requires: Required['requires']; hasFailed: HasFailed },
): string | undefined {
  /** `mayHaveFailed`: what was to bring something around the object failed, and so this part of it perhaps. */
  function completeObject(
    object: JsonObject,
    staticType: string,
    { selections, mayHaveFailed }: { selections: readonly QueryPlanSelectionNode[]; mayHaveFailed: boolean },
  ): unknown {
    const typename = typeof object['__typename'] === 'string' ? object['__typename'] : staticType;
    const type = schema.getType(typename);
    const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
    const result: JsonObject = {};
    for (const { name, fieldName, selections: inner } of mergeFields(schema, selections, typename)) {
      const value = getOwn(object, name);
      const failed = mayHaveFailed || hasFailed(object, name);
      if (value === undefined && failed) return unusable;
      const field = fields[fieldName];
      const completed = field
        ? complete(value, field.type, { selections: inner, mayHaveFailed: failed })
        : (value ?? (fieldName === '__typename' ? typename : null));
      if (completed === bubbles || completed === unusable) return completed;
      setOwn(result, name, completed);
    }
    return result;
  }
  function complete(
    value: unknown,
    type: GraphQLOutputType,
    below: { selections: readonly QueryPlanSelectionNode[] | null; mayHaveFailed: boolean },
  ): unknown {
    if (isNonNullType(type)) {
      const completed = complete(value, type.ofType, below);
      return completed === null ? bubbles : completed;
    }
    if (value === undefined || value === null) return null;
    const { selections, mayHaveFailed } = below;
    if (selections === null) return value;
    if (isListType(type)) {
      if (!Array.isArray(value)) return unusable;
      const elements = value.map((element) => complete(element, type.ofType, below));
      if (elements.includes(unusable)) return unusable;
      return elements.includes(bubbles) ? null : elements;
    }
    if (!isJsonObject(value)) return unusable;
    const completed = completeObject(value, getNamedType(type).name, { selections, mayHaveFailed });
    return completed === bubbles ? null : completed;
  }
  const completed = completeObject(entity, '', { selections: requires, mayHaveFailed: false });
  return isJsonObject(completed) ? JSON.stringify(completed) : undefined;
}

/** A field that is required of an object: of the entity or of one below it. */
type RequiredPlace = { readonly object: JsonObject; readonly name: string };

/**
 * What is required and null or unknown, each followed by what it is within, as what was to bring that may have failed;
 * for finding out why.
 */
export function missingFields(entity: JsonObject, requires: readonly QueryPlanSelectionNode[]): RequiredPlace[] {
  const found: RequiredPlace[] = [];
  type Selections = readonly QueryPlanSelectionNode[];
  const visit = (value: unknown, selections: Selections, around: readonly RequiredPlace[]): void => {
    if (Array.isArray(value)) value.forEach((element) => visit(element, selections, around));
    if (!isJsonObject(value)) return;
    for (const selection of selections) {
      if (selection.kind === 'InlineFragment') {
        visit(value, selection.selections, around);
        continue;
      }
      const name = nameOf(selection);
      const inner = getOwn(value, name);
      const places = [{ object: value, name }, ...around];
      if (inner === undefined || inner === null) found.push(...places);
      else if (selection.selections) visit(inner, selection.selections, places);
    }
  };
  visit(entity, requires, []);
  return found;
}
