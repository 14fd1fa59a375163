import { useEffect, useRef } from 'react';
import { SignInForm } from './sign-in-form.tsx';
import { t } from '../language/catalogue.ts';

/** The sign-in form over the page. */
export function SignInDialog({
  reason,
  onDone,
  onClose,
}: {
  reason?: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (dialog.current !== null && !dialog.current.open) dialog.current.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="card" aria-labelledby="sign-in-title" onClose={onClose}>
      <div className="form">
        <SignInForm
          head={(title) => (
            <>
              <h2 id="sign-in-title">{title}</h2>
              {reason !== undefined && <p className="muted">{reason}</p>}
            </>
          )}
          onDone={onDone}
        />
        <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
          {t().signIn.notNow}
        </button>
      </div>
    </dialog>
  );
}
