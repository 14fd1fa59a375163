import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Journal } from './journal.ts';
import type { Random } from './random.ts';

/** Someone who signs in; an address of their own stands for a machine of their own. */
export type Person = {
  readonly mobile: string;
  readonly password: string;
  readonly address: string;
  id: string;
  token: string;
  /** The sign-in that is under way: all that a person does waits for one. */
  signingIn?: Promise<void> | undefined;
};

/** A mutation or query, in the words of `schema/`. */
export type Asked = {
  readonly document: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly person?: Person;
  /** What stays the same however often it is asked; for mutations, whose answers are then lost now and then. */
  readonly mark?: (data: never) => string | undefined;
  readonly random?: Random;
};

/** What was measured on the way. */
export type Tally = {
  readonly answersMs: number[];
  /** How often each code, or failure of the connection, was seen. */
  readonly errors: Map<string, number>;
  readonly examples: Map<string, string>;
  /** How often each field was refused with which code, by its own words for good. */
  readonly refusals: Map<string, number>;
  /** Questions that had no answer within the time that a client has. */
  unanswered: number;
  lost: number;
  repeated: number;
};

export type Api = {
  readonly tally: Tally;
  /**
   * Asks until there is an answer: again with the same variables, so with the same key, after whatever else comes.
   * Undefined when there was none within a minute and a half.
   */
  ask<Data>(asked: Asked): Promise<Data | undefined>;
  /** POSTs JSON until there is an answer below 500; undefined when there was none. */
  post(url: string, body: object): Promise<{ status: number; body: Record<string, unknown> } | undefined>;
  signIn(person: Person): Promise<void>;
  close(): Promise<void>;
};

const connections = 64;
const answerTimeoutMs = 15_000;
/** How long a client goes on asking. */
const patienceMs = 90_000;
const firstRetryMs = 100;
const maxRetryMs = 2_000;
/** Of mutations: the connection is given up after so long at most; the answer is read and forgotten; two are sent at once. */
const lostBefore = 0.04;
const lostAfter = 0.04;
const sentTwice = 0.02;
const maxLostAfterMs = 400;

const loginDocument =
  'mutation L($mobile: String!, $password: String!) { login(mobile: $mobile, password: $password) { user { id } tokens { accessToken } userErrors { ... on UserError { code } } } }';

type Failure = { readonly code: string; readonly detail: string };
type Outcome<Data> = { readonly data: Data } | Failure;
type GraphqlAnswer = {
  data?: Record<string, { userErrors?: { code: string; retryable?: boolean }[] } | null> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
};

function openTally(): { tally: Tally; count: (failure: Failure) => void } {
  const tally: Tally = {
    answersMs: [],
    errors: new Map(),
    examples: new Map(),
    refusals: new Map(),
    unanswered: 0,
    lost: 0,
    repeated: 0,
  };
  return {
    tally,
    count({ code, detail }) {
      tally.errors.set(code, (tally.errors.get(code) ?? 0) + 1);
      if (!tally.examples.has(code)) tally.examples.set(code, detail);
    },
  };
}

export function openApi(url: string, journal: Pick<Journal, 'violate'>): Api {
  const pool = new Pool(url, { connections, headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs });
  const { tally, count } = openTally();

  async function once<Data>({ document, variables, person }: Asked, withinMs?: number): Promise<Outcome<Data>> {
    const startedAt = performance.now();
    const headers = person && {
      'x-forwarded-for': person.address,
      ...(person.token !== '' && { authorization: `Bearer ${person.token}` }),
    };
    const answer = await send(
      pool,
      '/graphql',
      { query: document, variables },
      { ...(headers && { headers }), ...(withinMs !== undefined && { withinMs }) },
    );
    if ('code' in answer) return answer;
    const { data, errors } = answer.body as GraphqlAnswer;
    if (errors?.length || !data)
      return {
        code: errors?.[0]?.extensions?.code ?? `HTTP ${answer.status}`,
        detail: JSON.stringify(answer.body).slice(0, 300),
      };
    tally.answersMs.push(performance.now() - startedAt);
    // To be asked again by their own words.
    const refused = Object.entries(data).flatMap(([field, payload]) => payload?.userErrors?.map((refusal) => ({ field, ...refusal })) ?? []); // prettier-ignore
    const later = refused.find(({ retryable }) => retryable);
    if (later) return { code: later.code, detail: 'retryable' };
    for (const { field, code } of refused)
      tally.refusals.set(`${field}: ${code}`, (tally.refusals.get(`${field}: ${code}`) ?? 0) + 1);
    return { data: data as Data };
  }

  async function insist<Data>(asked: Asked): Promise<Data | undefined> {
    const until = performance.now() + patienceMs;
    for (let tries = 0; performance.now() < until; tries += 1) {
      const shown = asked.person?.token;
      const outcome = await once<Data>(asked);
      if ('data' in outcome) return outcome.data;
      count(outcome);
      if (outcome.code === 'UNAUTHENTICATED' && asked.person?.token === shown && asked.person)
        await signIn(asked.person);
      await sleep(Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(tries, 6)) * (0.5 + Math.random()));
    }
    tally.unanswered += 1;
    return undefined;
  }

  async function signInNow(person: Person): Promise<void> {
    const { mobile, password } = person;
    type Signed = { login: { user: { id: string } | null; tokens: { accessToken: string } | null } };
    const signed = await insist<Signed>({
      document: loginDocument,
      variables: { mobile, password },
      person: { ...person, token: '' },
    });
    if (!signed?.login.tokens || !signed.login.user) return;
    person.token = signed.login.tokens.accessToken;
    person.id = signed.login.user.id;
  }
  const signIn = (person: Person): Promise<void> =>
    (person.signingIn ??= signInNow(person).finally(() => {
      person.signingIn = undefined;
    }));

  /** Loses an answer now and then; a repetition must bring the one that was lost. */
  async function ask<Data>(asked: Asked): Promise<Data | undefined> {
    const { mark, random } = asked;
    if (!mark || !random) return insist<Data>(asked);
    const luck = random.next();
    let earlier: Data | undefined;
    if (luck < lostBefore) {
      tally.lost += 1;
      await once(asked, random.between(1, maxLostAfterMs));
    } else if (luck < lostBefore + lostAfter) {
      tally.lost += 1;
      const outcome = await once<Data>(asked);
      if ('data' in outcome) earlier = outcome.data;
    } else if (luck < lostBefore + lostAfter + sentTwice) {
      [earlier] = await Promise.all([insist<Data>(asked), insist<Data>(asked)]);
    }
    const answer = await insist<Data>(asked);
    if (earlier === undefined || answer === undefined) return answer;
    tally.repeated += 1;
    const [first, second] = [mark(earlier as never), mark(answer as never)];
    if (first !== undefined && first !== second)
      journal.violate(
        `key ${String(asked.variables?.['idempotencyKey'])} was answered with ${first}, then with ${second}`,
      );
    return answer;
  }

  return {
    tally,
    ask,
    signIn,
    post: poster(pool, count),
    close: () => pool.destroy(),
  };
}

const poster =
  (pool: Pool, count: (failure: Failure) => void): Api['post'] =>
  async (target, body) => {
    const until = performance.now() + patienceMs;
    const { pathname, search } = new URL(target);
    while (performance.now() < until) {
      const answer = await send(pool, pathname + search, body, {});
      if (!('code' in answer) && answer.status < 500)
        return { status: answer.status, body: answer.body as Record<string, unknown> };
      count('code' in answer ? answer : { code: `HTTP ${answer.status}`, detail: JSON.stringify(answer.body) });
      await sleep(firstRetryMs * (1 + Math.random()));
    }
    return undefined;
  };

/** Sends once; what went wrong is data. */
async function send(
  pool: Pool,
  path: string,
  body: object,
  extra: { headers?: Record<string, string>; withinMs?: number },
): Promise<{ status: number; body: unknown } | Failure> {
  const { headers = {}, withinMs = answerTimeoutMs } = extra;
  try {
    const response = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(withinMs),
    });
    const text = await response.body.text();
    try {
      return { status: response.statusCode, body: JSON.parse(text) as unknown };
    } catch {
      return { code: `HTTP ${response.statusCode}`, detail: text.slice(0, 200) };
    }
  } catch (error) {
    const { code, name, message } = error as Error & { code?: string };
    return { code: name === 'TimeoutError' ? name : (code ?? name), detail: message };
  }
}
