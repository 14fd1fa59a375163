import { refusal } from '../errors.ts';
import { type JsonObject, isJsonObject } from '../execute/types.ts';
import type { RequestParameters } from '../operations/read-operation.ts';
import { searchParametersOf } from './text.ts';

/** A request as its server has it, once its body was read. */
export type ReceivedRequest = {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly body?: unknown;
};

const jsonNames: ReadonlySet<string> = new Set(['variables', 'extensions']);
const names: ReadonlySet<string> = new Set(['query', 'documentId', 'operationName', ...jsonNames]);

/**
 * The parameters of GraphQL over HTTP, which are in the address by GET and in the body by POST. In an address each stands
 * once, and empty variables and extensions are none, as graphql-sse has it. Throws a refusal: BAD_REQUEST.
 */
export const readParameters = ({ method, url = '', body }: ReceivedRequest): RequestParameters =>
  method === 'GET' ? parametersOf(searchOf(url), true) : parametersOf(body);

/**
 * The parameters in what a client sent. Null counts as left out, and names that GraphQL doesn't have are passed over. An empty
 * text is a document without an operation, and a name that no operation has. Throws a refusal: BAD_REQUEST.
 */
export function parametersOf(given: unknown, isGet = false): RequestParameters {
  if (!isJsonObject(given)) throw refusal('BAD_REQUEST', 'The body must be a JSON object.');
  const { query = null, documentId = null, operationName = null, variables = null, extensions = null } = given;
  if (query !== null && typeof query !== 'string') throw wrong('query', 'the text of a GraphQL document');
  if (operationName !== null && typeof operationName !== 'string') throw wrong('operationName', 'a string');
  if (variables !== null && !isJsonObject(variables)) throw wrong('variables', 'a JSON object');
  if (extensions !== null && !isJsonObject(extensions)) throw wrong('extensions', 'a JSON object');
  if (query === null && documentId === null && !(extensions !== null && 'persistedQuery' in extensions))
    throw refusal('BAD_REQUEST', 'A request has a query, or the id or hash of one.');
  return {
    query,
    documentId,
    extensions,
    operationName: operationName ?? undefined,
    variables: variables ?? {},
    isGet,
  };
}

const wrong = (name: string, right: string) => refusal('BAD_REQUEST', `${name}: must be ${right}.`);

function searchOf(url: string): JsonObject {
  const given: JsonObject = {};
  for (const [name, text] of searchParametersOf(url)) {
    if (!names.has(name)) continue;
    if (name in given) throw wrong(name, 'given once');
    given[name] = jsonNames.has(name) ? parsed(name, text) : text;
  }
  return given;
}

function parsed(name: string, text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(name, 'a JSON object');
  }
}
