import { fileURLToPath } from 'node:url';
import { Kind, parse } from 'graphql';
import { z } from 'zod';
import { subgraphNameFault, subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { ConfigError, type Env, readEnv } from '../../subgraphs/shared/process/env.ts';

/** A subgraph that a team adds to the platform's own: where it is, and what it and the gateway alone know. */
export type AddedSubgraph = {
  readonly name: string;
  /** Where it takes GraphQL, over HTTP and WebSocket. */
  readonly url: string;
  /** Shows the subgraph that the gateway asks. */
  readonly token: string;
  /** Signs what the gateway says about who is asking. */
  readonly identitySecret: string;
};

/** Where `npm run compose -- --add` puts the supergraph. */
export const composedSupergraph = fileURLToPath(new URL('../../schema/composed/supergraph.graphql', import.meta.url));

const maxAdded = 100;
const headerValue = /^[\x21-\x7e]+$/;
/** As many bytes as the hash of HS256 has: libraries refuse shorter keys. */
const minSecretLength = 32;

/** Throws ConfigError naming the variable and the mend. No message shows a secret, or an address that may hold one. */
export function readAddedSubgraphs(env: Env): readonly AddedSubgraph[] {
  const given = readEnv(env, {
    GRAPH_SUBGRAPHS: z.string().default(''),
    GRAPH_SUBGRAPH_TOKENS: z.string().default(''),
    GRAPH_SUBGRAPH_IDENTITY_SECRETS: z.string().default(''),
  });
  const urls = readList('GRAPH_SUBGRAPHS', given.GRAPH_SUBGRAPHS, 'https://host/graphql');
  const tokens = readList('GRAPH_SUBGRAPH_TOKENS', given.GRAPH_SUBGRAPH_TOKENS, '<token>');
  const secrets = readList('GRAPH_SUBGRAPH_IDENTITY_SECRETS', given.GRAPH_SUBGRAPH_IDENTITY_SECRETS, '<secret>');
  if (urls.size > maxAdded) throw new ConfigError(`GRAPH_SUBGRAPHS: names more than ${maxAdded} subgraphs.`);
  for (const [variable, names] of [['GRAPH_SUBGRAPH_TOKENS', tokens], ['GRAPH_SUBGRAPH_IDENTITY_SECRETS', secrets]] as const)
    for (const name of names.keys())
      if (!urls.has(name)) throw new ConfigError(`${variable}: names ${name}, which GRAPH_SUBGRAPHS does not.`); // prettier-ignore

  const used = new Set<string>();
  return [...urls].map(([name, url]) => {
    const fault = subgraphNameFault(name);
    if (fault !== null) throw new ConfigError(`GRAPH_SUBGRAPHS: ${fault}`);
    checkUrl(name, url);
    return {
      name,
      url,
      token: secretOf(env, 'GRAPH_SUBGRAPH_TOKENS', { name, given: tokens.get(name), used }),
      identitySecret: secretOf(env, 'GRAPH_SUBGRAPH_IDENTITY_SECRETS', { name, given: secrets.get(name), used }),
    };
  });
}

/** Reads `name=value,name=value`. */
function readList(variable: string, text: string, example: string): ReadonlyMap<string, string> {
  const list = new Map<string, string>();
  for (const [index, entry] of text.split(',').entries()) {
    if (entry.trim() === '') continue;
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(entry)?.map((part) => part.trim()) ?? [];
    if (name === '' || value === '')
      throw new ConfigError(`${variable}: entry ${index + 1} is not name=value; write reviews=${example}, with commas between entries.`); // prettier-ignore
    if (list.has(name)) throw new ConfigError(`${variable}: names ${name} twice.`);
    list.set(name, value);
  }
  return list;
}

function checkUrl(name: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new ConfigError(
      `GRAPH_SUBGRAPHS: the address of ${name} is not an http or https URL such as https://host/graphql.`,
    );
  if ([url.username, url.password, url.search, url.hash].some((part) => part !== ''))
    throw new ConfigError(
      `GRAPH_SUBGRAPHS: the address of ${name} holds more than scheme, host, port and path; what is secret goes into GRAPH_SUBGRAPH_TOKENS.`,
    );
}

/** In development a secret is made of the name; production wants one that nobody else has. */
function secretOf(
  env: Env,
  variable: string,
  { name, given, used }: { name: string; given: string | undefined; used: Set<string> },
): string {
  const development = developmentSecret(variable, name);
  if (env['NODE_ENV'] === 'production' && (given === undefined || given === development))
    throw new ConfigError(
      `${variable}: has no value of your own for ${name}, which NODE_ENV=production needs; add ${name}=<at least ${minSecretLength} random characters>.`,
    );
  const secret = given ?? development;
  if (secret.length < minSecretLength || !headerValue.test(secret))
    throw new ConfigError(
      `${variable}: what it has for ${name} is not at least ${minSecretLength} printable ASCII characters without blanks.`,
    );
  // With these a subgraph could speak to the platform's own as the gateway, for any user.
  const ours = [env['IDENTITY_SECRET'], ...(env['SERVICE_TOKENS'] ?? '').split(',').map(tokenOf)];
  if (ours.includes(secret))
    throw new ConfigError(
      `${variable}: what it has for ${name} is a secret of the platform's own services; give ${name} one that only it and the gateway know.`,
    );
  if (used.has(secret))
    throw new ConfigError(
      `${variable}: what it has for ${name} is another one's, too; each token and each secret needs a value of its own.`,
    );
  used.add(secret);
  return secret;
}

const tokenOf = (pair: string): string | undefined => pair.split('=')[1]?.trim();

/** What a team's subgraph may expect while it is developed. */
const developmentSecret = (variable: string, name: string): string =>
  variable === 'GRAPH_SUBGRAPH_TOKENS'
    ? `development-token-of-the-subgraph-${name}`
    : `development-identity-secret-of-the-subgraph-${name}`;

/** The subgraphs that a supergraph was composed of. Throws a GraphQLError for what is not GraphQL. */
export function subgraphsOf(supergraphSdl: string): readonly string[] {
  const graphs = parse(supergraphSdl, { noLocation: true }).definitions.find(
    (node) => node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph',
  );
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return [];
  return (graphs.values ?? []).flatMap(({ directives = [] }) => {
    const graph = directives.find(({ name }) => name.value === 'join__graph');
    const name = graph?.arguments?.find((argument) => argument.name.value === 'name')?.value;
    return name?.kind === Kind.STRING ? [name.value] : [];
  });
}

/**
 * A supergraph and the addresses have to name the same subgraphs. Throws ConfigError.
 *
 * @param supergraph its path, for the message, and the names of its subgraphs
 */
export function checkAddresses(
  added: readonly AddedSubgraph[],
  supergraph: { readonly path: string; readonly names: readonly string[] },
): void {
  const { path, names } = supergraph;
  const known: readonly string[] = [...subgraphNames, ...added.map(({ name }) => name)];
  const homeless = names.filter((name) => !known.includes(name));
  if (homeless.length > 0)
    throw new ConfigError(
      `GRAPH_SUBGRAPHS: has no address for ${homeless.join(', ')}, of which ${path} was composed; add ${homeless[0]}=https://host/graphql.`,
    );
  const missing = missingOf(added, names);
  if (missing.length > 0)
    throw new ConfigError(
      `GRAPH_SUBGRAPHS: names ${missing.join(', ')}, and ${path} was composed without; run npm run compose -- --add ${missing[0]}=<file of its schema>.`,
    );
}

/** Of the added ones, those that are not in a supergraph of these subgraphs. */
export const missingOf = (added: readonly AddedSubgraph[], names: readonly string[]): readonly string[] =>
  added.map(({ name }) => name).filter((name) => !names.includes(name));
