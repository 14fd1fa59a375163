import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { documentSize } from '../../subgraphs/shared/engine/document-size.ts';
import { refusal, withoutSuggestion } from '../errors.ts';
import type { Variables } from '../execute/types.ts';
import { type Cost, compileCost } from './cost.ts';
import { fragmentsOf, operationLabel } from './fragments.ts';
import { readListSizes, undeclaredSizes } from './list-sizes.ts';
import { checkDocument, limits } from './limits.ts';

/** A document that keeps the limits, parsed once. */
export type ReadDocument = {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** How metrics name it. */
  readonly label: string;
  /** Against the clients' API; computed when first asked for. Empty when the document is valid. */
  validationErrors(): readonly GraphQLError[];
};

export type Documents = {
  /** Parses and checks what a client sent. Throws a refusal with its own code, GRAPHQL_PARSE_FAILED for bad syntax. */
  read(query: string, variables: Variables): ReadDocument;
  /** What is known of a text without doing anything about it: whether it was read and validated, and stood that. */
  known(query: string): 'good' | 'bad' | undefined;
};

const cachedDocuments = 1_000;
const cachedBytes = 64 * 1024 * 1024;

/** Documents seen lately, good and refused ones, bounded in number and bytes. */
export function openDocuments(
  schema: GraphQLSchema,
  options: {
    introspection: boolean;
    /** Where it says no, the document is refused. Default: all are taken. */
    isTrusted?: (document: DocumentNode) => boolean;
    /** Says how long lists can be. Unset: no list has a known length. */
    supergraphSdl?: string;
  },
): Documents {
  const rules = options.introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const sizes = options.supergraphSdl === undefined ? undeclaredSizes : readListSizes(options.supergraphSdl);
  const shown = (error: GraphQLError) => withCode(options.introspection ? error : withoutSuggestion(error));
  type Entry =
    | (ReadDocument & { readonly cost: Cost; readonly isValid: () => 'good' | 'bad' | undefined })
    | { readonly refused: GraphQLError };
  const cache = new LRUCache<string, Entry>({
    max: cachedDocuments,
    maxSize: cachedBytes,
    sizeCalculation: (entry, query) => documentSize(query, 'document' in entry ? entry.document : undefined, 'located'),
  });

  function enter(query: string): Entry {
    try {
      const document = parse(query, { maxTokens: limits.tokens });
      const operation = checkDocument(document);
      if (options.isTrusted?.(document) === false)
        throw refusal('DOCUMENT_NOT_TRUSTED', 'This gateway executes only the documents of its own clients.', 403);
      const fragments = fragmentsOf(document);
      let errors: readonly GraphQLError[] | undefined;
      return {
        document,
        operation,
        label: operationLabel(operation, fragments),
        cost: compileCost({ schema, sizes }, operation, fragments),
        validationErrors: () => (errors ??= validate(schema, document, rules).map(shown)),
        isValid: () => errors && (errors.length === 0 ? 'good' : 'bad'),
      };
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return { refused: error.extensions['code'] === undefined ? syntaxError(error) : error };
    }
  }

  return {
    known(query) {
      const entry = cache.peek(query);
      if (!entry || 'refused' in entry) return entry && 'bad';
      return entry.isValid();
    },
    read(query, variables) {
      let entry = cache.get(query);
      if (!entry) {
        entry = enter(query);
        cache.set(query, entry);
      }
      if ('refused' in entry) throw entry.refused;
      const { nodes, values } = entry.cost(variables);
      if (nodes > limits.cost)
        throw refusal(
          'TOO_COSTLY',
          `The pages asked for add up to ${nodes} nodes; at most ${limits.cost} are allowed.`,
        );
      if (values > limits.values)
        throw refusal(
          'TOO_COSTLY',
          `The answer could have ${values} values, with every list at its longest; at most ${limits.values} are allowed. Ask for smaller pages, or for long lists and texts in operations of their own.`,
        );
      return entry;
    },
  };
}

const withCode = ({ message, nodes }: GraphQLError): GraphQLError =>
  new GraphQLError(message, {
    ...(nodes && { nodes }),
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } },
  });

/** graphql-js tells an overflow from bad syntax by its message alone. */
function syntaxError(error: GraphQLError): GraphQLError {
  if (error.message.startsWith('Syntax Error: Document contains more'))
    return refusal('TOO_MANY_TOKENS', `A document may have ${limits.tokens} tokens.`);
  return new GraphQLError(error.message, {
    ...(error.source && { source: error.source }),
    ...(error.positions && { positions: error.positions }),
    extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } },
  });
}
