import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { Link, useLocation } from 'wouter';
import { LinkIdentityDocument } from '../../../../schema/generated/operations.ts';
import { ApiError } from '../api.ts';
import { perform } from '../client.ts';
import { newIdempotencyKey } from '../intents.ts';
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';
import { signInWithIdentity } from '../session.ts';
import { Loading, Problem, Spinner, useTitle } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { OwnPassword } from './field.tsx';
import { type Answered, type Shown, takeAnswer } from './identity-login.ts';

/** Where people arrive from an issuer: ends the sign-in, or links the identity, and goes on to where they were. */
export function CallbackPage() {
  const [answered, setAnswered] = useState<Answered | null>(null);
  const hasBegun = useRef(false);
  useEffect(() => {
    // A code works once.
    if (hasBegun.current) return;
    hasBegun.current = true;
    const callback = new URLSearchParams(location.search);
    // The code stays out of the history, and of what is sent as Referer.
    history.replaceState(null, '', location.pathname);
    setAnswered(takeAnswer(callback));
  }, []);
  const linking = answered?.problem === null && answered.linking;
  const title = linking ? t().account.linking : t().signIn.title;
  useTitle(title);
  return (
    <div className="narrow">
      <h1>{title}</h1>
      {answered === null ? (
        <Loading text={t().signIn.moment} />
      ) : answered.problem !== null ? (
        <Failed why={answered.problem} />
      ) : linking ? (
        <LinkIt shown={answered.shown} returnTo={answered.returnTo} />
      ) : (
        <SignIn shown={answered.shown} returnTo={answered.returnTo} />
      )}
    </div>
  );
}

const Failed = ({ why }: { why: string }) => (
  <>
    <Problem what={t().signIn.didNotWork} why={why} />
    <p>
      <Link href="/orders">{t().signIn.back}</Link>
    </p>
  </>
);

type Answer = { shown: Shown; returnTo: string };

function SignIn({ shown, returnTo }: Answer) {
  const [, navigate] = useLocation();
  const [problem, setProblem] = useState<string | null>(null);
  const hasBegun = useRef(false);
  useEffect(() => {
    if (hasBegun.current) return;
    hasBegun.current = true;
    signInWithIdentity(shown).then(
      (refusal) => (refusal === null ? navigate(returnTo, { replace: true }) : setProblem(refusal)),
      (error: unknown) => setProblem(error instanceof ApiError ? error.message : t().signIn.wentWrong),
    );
  }, [shown, returnTo, navigate]);
  return problem === null ? <Loading text={t().signIn.moment} /> : <Failed why={problem} />;
}

/** Some time after the sign-in the API wants the password too; the code is still good then. */
function LinkIt({ shown, returnTo }: Answer) {
  const client = useClient();
  const [, navigate] = useLocation();
  const [password, setPassword] = useState('');
  const [wantsPassword, setWantsPassword] = useState(false);
  const hasBegun = useRef(false);
  const { busy, problem, run } = useAction();
  const link = (given: string | null) =>
    run(async () => {
      const variables = { type: 'OIDC', ...shown, password: given, idempotencyKey: newIdempotencyKey() } as const;
      const [refusal] = (await perform(client, LinkIdentityDocument, variables)).linkIdentity.userErrors;
      if (refusal === undefined) {
        navigate(returnTo, { replace: true });
        return null;
      }
      const asks = refusal.code === 'INVALID_CREDENTIALS' && refusal.path?.at(-1) === 'password';
      setWantsPassword(asks);
      return asks && given === null ? null : refusalText(refusal);
    });
  useEffect(() => {
    if (hasBegun.current) return;
    hasBegun.current = true;
    void link(null);
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) void link(password);
  };
  if (!wantsPassword) {
    return problem === null ? (
      <Loading text={t().signIn.moment} />
    ) : (
      <>
        <Problem what={t().account.linkingFailed} why={problem} />
        <p>
          <Link href="/account">{t().account.backToAccount}</Link>
        </p>
      </>
    );
  }
  return (
    <form className="card form" onSubmit={submit}>
      <p className="muted">{t().account.linkPassword}</p>
      <OwnPassword value={password} onChange={setPassword} />
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <button className="button" disabled={busy}>
        {busy && <Spinner />}
        {t().account.linkNow}
      </button>
    </form>
  );
}
