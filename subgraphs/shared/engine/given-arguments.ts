import type { GraphQLResolveInfo } from 'graphql';
import type { PageArguments } from '../values/paging.ts';

/**
 * A field's page arguments without a `first` that only the schema's default has given: beside `last` it says nothing. What
 * the client has written stays, so that a page from both ends is refused.
 */
export function givenPage<Given extends PageArguments>(
  given: Given,
  { fieldNodes, variableValues }: Pick<GraphQLResolveInfo, 'fieldNodes' | 'variableValues'>,
): Given {
  const value = fieldNodes[0]?.arguments?.find(({ name }) => name.value === 'first')?.value;
  const isWritten = value && (value.kind !== 'Variable' || Object.hasOwn(variableValues, value.name.value));
  return isWritten || given.last === null || given.last === undefined ? given : { ...given, first: undefined };
}
