import { refusal } from '../errors.ts';
import { isRecord } from './quick-answers.ts';
import type { SentOperation } from '../operations/read-operation.ts';
import { searchParametersOf } from './text.ts';

/** A request for an event stream, as its server has it. */
type StreamRequest = { readonly method: string; readonly url: string; readonly body?: unknown };

const parameters = ['query', 'documentId', 'operationName'] as const;
const objects = ['variables', 'extensions'] as const;

/** What a request for an event stream asks for, by GET in its address and by POST in its body. Throws a refusal: BAD_REQUEST. */
export function readStreamRequest({ method, url, body }: StreamRequest): SentOperation {
  const given = method === 'GET' ? searchOf(url) : body;
  if (!isRecord(given)) throw refusal('BAD_REQUEST', 'The body must be a JSON object.');
  const { query = null, documentId = null, operationName = null, variables = null, extensions = null } = given;
  if (query !== null && typeof query !== 'string') throw wrong('query', 'the text of a GraphQL document');
  if (operationName !== null && typeof operationName !== 'string') throw wrong('operationName', 'a string');
  if (variables !== null && !isRecord(variables)) throw wrong('variables', 'a JSON object');
  if (extensions !== null && !isRecord(extensions)) throw wrong('extensions', 'a JSON object');
  if (query === null && documentId === null && extensions?.['persistedQuery'] === undefined)
    throw refusal('BAD_REQUEST', 'A request has a query, or the id or hash of one.');
  return { query, documentId, operationName, variables, extensions };
}

const wrong = (name: string, right: string) => refusal('BAD_REQUEST', `${name}: must be ${right}.`);

function searchOf(url: string): Record<string, unknown> {
  const searchParams = searchParametersOf(url);
  const given: Record<string, unknown> = {};
  for (const name of parameters) given[name] = searchParams.get(name);
  for (const name of objects) {
    const text = searchParams.get(name);
    // Empty is as good as none, as graphql-sse has it.
    if (text !== null && text !== '') given[name] = parsed(text, name);
  }
  return given;
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(name, 'a JSON object');
  }
}
