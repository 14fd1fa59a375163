import type { ReactNode } from 'react';
import { type SignedInUser, useSession } from '../session.ts';
import { useTitle } from '../ui/parts.tsx';
import { SignInForm } from './sign-in-form.tsx';

/** A page for somebody: who is nobody yet signs in first, and is then where they wanted to be. */
export function SignInGate({
  title,
  reason,
  children,
}: {
  title: string;
  reason: string;
  children: (user: SignedInUser) => ReactNode;
}) {
  const session = useSession();
  return session === null ? <SignInFirst title={title} reason={reason} /> : children(session.user);
}

function SignInFirst({ title, reason }: { title: string; reason: string }) {
  useTitle(title);
  return (
    <div className="narrow">
      <h1>{title}</h1>
      <section className="card form" aria-labelledby="sign-in-title">
        <SignInForm
          head={(words) => (
            <>
              <h2 id="sign-in-title">{words}</h2>
              <p className="muted">{reason}</p>
            </>
          )}
        />
      </section>
    </div>
  );
}
