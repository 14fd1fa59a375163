import {
  type FieldNode,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  defaultFieldResolver,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';
import type { AnswerSize } from './answer-size.ts';
import type { Turns } from '../queues/turns.ts';

type ListContext = { readonly answerSize: AnswerSize };
type Resolve = GraphQLFieldResolver<unknown, ListContext>;

/** Values of an answer that are completed before others get their turn, and in each turn after that; a list is completed whole. */
const valuesInTurn = 500;

/**
 * Counts the values of an answer where it grows: at each list, before its elements are completed. Beyond the limit
 * lists are empty, as nothing of the answer will be used; `isOver` tells that. Between the lists of a large answer
 * others get their turn.
 */
export function boundLists(schema: GraphQLSchema, turns: Turns): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields()))
      if (isList(field.type)) field.resolve = boundList(field.resolve ?? defaultFieldResolver, turns);
  }
}

/** Whether an answer has more values than it may have. */
export const isOver = ({ values, limits }: AnswerSize): boolean => values > limits.maxValues;

const isList = (type: GraphQLOutputType): boolean => isListType(getNullableType(type));

function boundList(resolve: Resolve, turns: Turns): Resolve {
  const perElement = elementCounts();
  return (source, args, context, info) => {
    const { answerSize: size } = context;
    if (isOver(size)) return [];
    const take = (list: unknown): unknown => {
      if (!Array.isArray(list)) return list;
      if (isOver(size)) return [];
      const values = list.length * perElement(info);
      size.values += values;
      if (isOver(size)) return [];
      if (size.values <= valuesInTurn) return list;
      return turns.next(values / valuesInTurn).then(() => (isOver(size) ? [] : list));
    };
    const list = resolve(source, args, context, info);
    return isPromise(list) ? list.then(take) : take(list);
  };
}

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

/** How many values one element of a field's list has, without those of lists below it. */
function elementCounts(): (info: GraphQLResolveInfo) => number {
  const known = new WeakMap<FieldNode, number>();
  return (info) => {
    let count = 1;
    for (const node of info.fieldNodes) {
      let own = known.get(node);
      if (own === undefined) {
        own = node.selectionSet ? countFields(info, node.selectionSet, getNamedType(info.returnType)) : 0;
        known.set(node, own);
      }
      count += own;
    }
    return count;
  };
}

function countFields(
  info: Pick<GraphQLResolveInfo, 'schema' | 'fragments'>,
  { selections }: SelectionSetNode,
  type: GraphQLNamedType | undefined,
): number {
  let count = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined;
      const isInner = selection.selectionSet && field && !isList(field.type);
      count += 1 + (isInner ? countFields(info, selection.selectionSet, getNamedType(field.type)) : 0);
      continue;
    }
    const part = selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
    const condition = part?.typeCondition;
    if (part)
      count += countFields(info, part.selectionSet, condition ? info.schema.getType(condition.name.value) : type);
  }
  return count;
}
