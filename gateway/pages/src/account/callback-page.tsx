import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError } from '../api.ts';
import { Loading, Problem, useTitle } from '../ui/parts.tsx';
import { endLogin } from './identity-login.ts';
import { t } from '../language/catalogue.ts';

/** Where people arrive from an issuer: ends the sign-in, and goes on to where they were. */
export function CallbackPage() {
  useTitle(t().signIn.title);
  const [, navigate] = useLocation();
  const [problem, setProblem] = useState<string | null>(null);
  const hasBegun = useRef(false);
  useEffect(() => {
    // A code works once.
    if (hasBegun.current) return;
    hasBegun.current = true;
    const callback = new URLSearchParams(location.search);
    // The code stays out of the history, and of what is sent as Referer.
    history.replaceState(null, '', location.pathname);
    endLogin(callback).then(
      (outcome) =>
        outcome.problem === null ? navigate(outcome.returnTo, { replace: true }) : setProblem(outcome.problem),
      (error: unknown) => setProblem(error instanceof ApiError ? error.message : t().signIn.wentWrong),
    );
  }, [navigate]);
  return (
    <div className="narrow">
      <h1>{t().signIn.title}</h1>
      {problem === null ? (
        <Loading text={t().signIn.moment} />
      ) : (
        <>
          <Problem what={t().signIn.didNotWork} why={problem} />
          <p>
            <Link href="/orders">{t().signIn.back}</Link>
          </p>
        </>
      )}
    </div>
  );
}
