import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { signOut, useSession } from './session.ts';

/** Puts a page into the document. */
export function show(page: ReactNode): void {
  const root = document.querySelector('#root');
  if (root === null) throw new Error('The document has no #root');
  createRoot(root).render(<StrictMode>{page}</StrictMode>);
}

/** Head and foot around a page's content. */
export function Frame({ children, nav }: { children: ReactNode; nav?: ReactNode }) {
  const session = useSession();
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="wrap top">
        <a className="brand" href="/">
          <img src="/favicon.svg" alt="" />
          Federated order platform
        </a>
        {nav}
        {session !== null && (
          <div className="who">
            <span>{session.user.name}</span>
            <button type="button" className="link" onClick={signOut}>
              Sign out
            </button>
          </div>
        )}
      </header>
      <main id="content" className="wrap" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** A picture that becomes the name's first letter when it can't be shown. */
export function Picture({ cover, name, className }: { cover: string | null; name: string; className?: string }) {
  const letter = name.trim().charAt(0).toUpperCase();
  return (
    <div className={`picture ${className ?? ''}`} aria-hidden="true">
      {cover === null ? (
        letter
      ) : (
        <img src={cover} alt="" loading="lazy" onError={(event) => event.currentTarget.replaceWith(letter)} />
      )}
    </div>
  );
}
