import type { Agenda } from 'agenda';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { type ExecutionResult, parse } from 'graphql';
import { z } from 'zod';
import { isAdmin, isStaff } from '../../subgraphs/shared/auth/viewer.ts';
import { isUnavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { SignedIn, TokenVerifier } from '../callers/access-tokens.ts';
import type { Connections } from '../front/connections.ts';
import { connectionOf } from '../front/event-streams.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';
import { type JobAct, type JobReference, type RecordJobActs, jobActs } from './job-log.ts';

export type JobsPageOptions = {
  /** Throws SERVICE_UNAVAILABLE while the job store has not been reached yet. */
  readonly agenda: () => Agenda;
  readonly record: RecordJobActs;
  readonly supergraph: Supergraph;
  readonly verifier: TokenVerifier;
  readonly connections: Connections;
  readonly addressOf: (request: Request) => string;
  readonly isAllowedOrigin: (origin: string) => boolean;
  /** The cookie is sent over HTTPS alone. */
  readonly isSecure: boolean;
  /** The storefront's pages are served: staff come with the session that they have there. */
  readonly hasPages: boolean;
  readonly now: () => Date;
};

const cookieName = 'jobs_token';
/** The storefront's page that shows its session here, and comes back. */
const doorPath = '/staff/jobs';
const formPath = '/jobs/login';
const maxFormBytes = 4 * 1024;
const maxActBytes = 64 * 1024;
/** Jobs that one act is on, and characters of an id or a name. */
const maxJobs = 200;
const maxTextLength = 128;
/** Agendash's Server-Sent Events, relative to `/jobs`. */
const eventsPath = '/api/events';
const loginMutation = `mutation JobsLogin($mobile: String!, $password: String!) {
  login(mobile: $mobile, password: $password) { tokens { accessToken } }
}`;
const logoutMutation = 'mutation JobsLogout { logout }';
const documents = { [loginMutation]: parse(loginMutation), [logoutMutation]: parse(logoutMutation) };

/**
 * `/jobs`: Agendash for staff. A browser's page load can't carry a bearer token, so the access token sits in a cookie
 * that only `/jobs` gets, only from its own pages; it is verified at every request and ends as every access token does.
 * The storefront puts its own there (`POST /jobs/session`), so staff sign in once, and signing out there ends it here. Without the
 * storefront's pages there is a form. Operators look; administrators delete, repeat, pause and create jobs, which the audit log tells.
 */
export function jobsPage(options: JobsPageOptions): Router {
  const router = Router();
  const form = express.urlencoded({ extended: false, limit: maxFormBytes });

  router.use('/jobs', fromOwnPages(options.isAllowedOrigin));
  router.post('/jobs/session', (request, response) => adopt(options, request, response));
  router.get(formPath, (_request, response) => {
    if (options.hasPages) response.redirect(302, doorPath);
    else showLogin(response);
  });
  router.post('/jobs/login', form, async (request, response) => {
    const outcome = await signIn(options, request, response);
    if (outcome === 'done') response.redirect(303, '/jobs/');
    else showLogin(response, outcome);
  });
  router.post('/jobs/logout', async (request, response) => {
    const signedIn = await verifiedCookie(options.verifier, request);
    if (signedIn) await ask(options, logoutMutation, { request, response, signedIn });
    response.clearCookie(cookieName, { path: '/jobs' });
    response.redirect(303, '/jobs/login');
  });
  router.use('/jobs', staffOnly(options));
  // Agendash's page asks for its files relative to a path that ends in a slash.
  router.get('/jobs', (request, response, next) => {
    if (request.originalUrl.split('?')[0] === '/jobs') response.redirect(302, '/jobs/');
    else next();
  });
  // The same paths as Agendash's own, so that each of them is taken for the same act by both.
  for (const act of jobActs)
    router.post(`/jobs/api/jobs/${act}`, express.json({ limit: maxActBytes }), recorded(options, act));
  router.use('/jobs', agendash(options.agenda));
  return router;
}

const jobIds = z.array(z.string().min(1).max(maxTextLength)).max(maxJobs);
const actOnJobs = z.object({ jobIds: jobIds.default([]) });
const newJob = z.object({ jobName: z.string().min(1).max(maxTextLength) });

/** What an act is on: jobs that there are, or the one to be made. Null for what says it in no form that is known. */
async function jobsOf(agenda: Agenda, act: JobAct, body: unknown): Promise<JobReference[] | null> {
  if (act === 'create') {
    const { data } = newJob.safeParse(body);
    return data ? [{ id: null, name: data.jobName }] : null;
  }
  const { data } = actOnJobs.safeParse(body ?? {});
  if (!data) return null;
  if (data.jobIds.length === 0) return [];
  const { jobs } = await agenda.queryJobs({ ids: data.jobIds });
  return jobs.map(({ _id, name }) => ({ id: String(_id), name }));
}

/** Whatever an administrator does is in the audit log before it is done; where that can't be written, nothing is done. */
const recorded =
  ({ agenda, record, addressOf }: JobsPageOptions, act: JobAct): RequestHandler =>
  async (request, response, next) => {
    // Agendash reads forms as well: what only it can read would be done and be in no log.
    if (request.is('application/json') === false)
      return refuse(response, 415, 'BAD_USER_INPUT', 'Send JSON, as the page does.');
    const jobs = await jobsOf(agenda(), act, request.body);
    if (jobs === null) return refuse(response, 400, 'BAD_USER_INPUT', `Name at most ${maxJobs} jobs, or one to make.`);
    if (jobs.length > 0) {
      const { signedIn, traceId } = response.locals as { signedIn: SignedIn; traceId: unknown };
      const caller = { ...signedIn, address: addressOf(request), traceId: String(traceId) };
      try {
        await record(caller, act, jobs);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        response.set('retry-after', '1');
        return refuse(
          response,
          503,
          'SERVICE_UNAVAILABLE',
          'It can’t be written down at the moment, so it is not done.',
        );
      }
    }
    response.locals['isRecorded'] = true;
    next();
  };

/** Loaded and made when it is first asked for: most processes never show it, and the job store may come later than this one. */
function agendash(agenda: () => Agenda): RequestHandler {
  let page: RequestHandler | undefined;
  return async (request, response, next) => {
    // A way to change jobs that is not known here would be in no log.
    if (request.method !== 'GET' && request.method !== 'HEAD' && response.locals['isRecorded'] !== true)
      return refuse(response, 404, 'NOT_FOUND', 'There is no such act.');
    const { createExpressMiddleware } = await import('agendash');
    page ??= createExpressMiddleware(agenda()) as RequestHandler;
    page(request, response, next);
  };
}

const fromOwnPages =
  (isAllowedOrigin: (origin: string) => boolean): RequestHandler =>
  (request, response, next) => {
    const { origin } = request.headers;
    if (request.method === 'GET' || origin === undefined || isAllowedOrigin(origin)) next();
    else
      response
        .status(403)
        .json({ errors: [{ message: 'Another site may not do this.', extensions: { code: 'FORBIDDEN' } }] });
  };

const refuse = (response: Response, status: number, code: string, message: string): void =>
  void response.status(status).json({ errors: [{ message, extensions: { code } }] });

/** Staff may look, administrators may change. A stream of events ends as a socket of theirs does: with the token or the session. */
function staffOnly({ verifier, connections, addressOf, hasPages }: JobsPageOptions): RequestHandler {
  return async (request, response, next) => {
    const signedIn = await verifiedCookie(verifier, request);
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (!signedIn || !isStaff(signedIn.viewer)) {
      if (isReading && request.accepts(['json', 'html']) === 'html')
        response.redirect(302, hasPages ? doorPath : formPath);
      else refuse(response, 401, 'UNAUTHENTICATED', `Sign in at ${hasPages ? doorPath : formPath}.`);
    } else if (!isReading && !isAdmin(signedIn.viewer)) {
      refuse(response, 403, 'FORBIDDEN', 'Only an administrator may change jobs.');
    } else if (!isReading) {
      response.locals['signedIn'] = signedIn;
      next();
    } else if (request.path.replace(/\/+$/, '').toLowerCase() === eventsPath) {
      const connection = connectionOf(response);
      if (connections.isFull())
        refuse(response, 503, 'SERVICE_UNAVAILABLE', 'There are too many connections; try again later.');
      else {
        connections.add(connection);
        if (connections.signIn(connection, signedIn, addressOf(request))) next();
        else refuse(response, 429, 'TOO_MANY_SUBSCRIPTIONS', 'You have as many sockets and streams open as you may.');
      }
    } else next();
  };
}

async function verifiedCookie(verifier: TokenVerifier, request: Request): Promise<SignedIn | null> {
  const cookie = request.headers.cookie?.split(';').map((pair) => pair.trim()).find((pair) => pair.startsWith(`${cookieName}=`)); // prettier-ignore
  if (cookie === undefined) return null;
  return verified(verifier, cookie.slice(cookieName.length + 1));
}

async function verified(verifier: TokenVerifier, token: string): Promise<SignedIn | null> {
  try {
    return await verifier.verify(`Bearer ${token}`);
  } catch {
    // Ended, revoked or made up: the same as none.
    return null;
  }
}

type Asking = {
  readonly request: Request;
  readonly response: Response;
  readonly signedIn: SignedIn;
  readonly variables?: Record<string, unknown>;
};

/** One of this page's own mutations, on behalf of who is signed in. */
function ask(options: JobsPageOptions, query: keyof typeof documents, asking: Asking): Promise<ExecutionResult> {
  const address = options.addressOf(asking.request);
  return options.supergraph.execute({
    query,
    document: documents[query],
    operationName: undefined,
    variables: asking.variables ?? {},
    caller: { ...asking.signedIn, address, traceId: String(asking.response.locals['traceId']) },
  });
}

/** The cookie lasts as long as the token in it. */
const setCookie = (
  { isSecure, now }: JobsPageOptions,
  response: Response,
  { token, expiresAtMs }: { token: string; expiresAtMs: number },
): void =>
  void response.cookie(cookieName, token, {
    httpOnly: true,
    sameSite: 'strict',
    secure: isSecure,
    path: '/jobs',
    maxAge: expiresAtMs - now().getTime(),
  });

/**
 * Takes over the session of a page that shows its access token: other sites have none to show. The token of somebody who is not of
 * staff is refused.
 */
async function adopt(options: JobsPageOptions, request: Request, response: Response): Promise<void> {
  const { authorization = '' } = request.headers;
  const token = /^Bearer +(.*)$/i.exec(authorization)?.[1];
  const signedIn = token === undefined ? null : await verified(options.verifier, token);
  if (token === undefined || signedIn === null) refuse(response, 401, 'UNAUTHENTICATED', 'Show an access token.');
  else if (!isStaff(signedIn.viewer)) refuse(response, 403, 'FORBIDDEN', 'Only staff may see jobs.');
  else {
    setCookie(options, response, { token, expiresAtMs: signedIn.expiresAtMs });
    response.status(204).end();
  }
}

type Outcome = 'done' | 'refused' | 'away';

/** `away`: whether they may was not found out. */
async function signIn(options: JobsPageOptions, request: Request, response: Response): Promise<Outcome> {
  const { mobile, password } = (request.body ?? {}) as { mobile?: unknown; password?: unknown };
  if (typeof mobile !== 'string' || typeof password !== 'string') return 'refused';
  const anonymous = await options.verifier.verify(undefined);
  const variables = { mobile, password };
  const result = await ask(options, loginMutation, { request, response, signedIn: anonymous, variables });
  const { login } = (result.data ?? {}) as { login?: { tokens?: { accessToken: string } | null } };
  if (!login) return 'away';
  if (!login.tokens) return 'refused';
  const signedIn = await options.verifier.verify(`Bearer ${login.tokens.accessToken}`);
  if (!isStaff(signedIn.viewer)) {
    // A session that nobody has a use for.
    await ask(options, logoutMutation, { request, response, signedIn });
    return 'refused';
  }
  setCookie(options, response, { token: login.tokens.accessToken, expiresAtMs: signedIn.expiresAtMs });
  return 'done';
}

const refusals = {
  refused: [401, 'This mobile and password are not those of a member of staff.'],
  away: [503, 'Nobody can sign in at the moment. Try again in a few seconds.'],
} as const satisfies Record<Exclude<Outcome, 'done'>, readonly [status: number, words: string]>;

function showLogin(response: Response, outcome?: keyof typeof refusals): void {
  const [status, refusal] = outcome === undefined ? [200, undefined] : refusals[outcome];
  if (status === 503) response.set('retry-after', '1');
  response.status(status).type('html').send(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Jobs: sign in</title>
<style>body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0;color-scheme:light dark}form{display:grid;gap:.75rem;width:min(20rem,90vw)}input,button{font:inherit;padding:.5rem}label{display:grid;gap:.25rem}[role=alert]{color:#c0392b}</style></head>
<body><form method="post" action="/jobs/login"><h1>Background jobs</h1>
${refusal ? `<p role="alert">${refusal}</p>` : ''}
<label>Mobile <input name="mobile" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button><p>For staff. A sign-in lasts as long as an access token: ten minutes.</p></form></body>
</html>
`); // prettier-ignore
}
