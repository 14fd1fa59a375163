import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { isStaff } from '../account/roles.ts';
import { SignInDialog } from '../account/sign-in-dialog.tsx';
import { useCart } from '../cart/cart.ts';
import { shopName } from '../environment.ts';
import { Bell } from '../notifications/bell.tsx';
import { signOut, useSession, useSessionEnded } from '../session.ts';
import { Announcement, hush } from './announcement.tsx';
import { Footer } from './footer.tsx';
import { t } from '../language/catalogue.ts';

/** Head and foot around a page's content. */
export function Frame({ children }: { children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const [path] = useLocation();
  const shownPath = useRef(path);

  // Another page of the same document: begin at its top, with the keyboard and the screen reader too.
  useEffect(() => {
    if (shownPath.current === path) return;
    shownPath.current = path;
    hush();
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <>
      <a className="skip" href="#content">
        {t().frame.skip}
      </a>
      <header className="top">
        <div className="wrap">
          <Link className="brand" href="/">
            <img src="/favicon.svg" alt="" width="30" height="30" />
            {shopName}
          </Link>
          <MainNavigation />
          <Account />
        </div>
      </header>
      <main id="content" className="wrap" tabIndex={-1} ref={main}>
        <SessionEnded />
        {children}
      </main>
      <Footer />
      <Announcement />
    </>
  );
}

/** Why somebody who has signed out of nothing is asked to sign in. */
const SessionEnded = () => (
  <div role="alert">{useSessionEnded() && <p className="notice wait session-ended">{t().signIn.sessionEnded}</p>}</div>
);

function MainNavigation() {
  const session = useSession();
  const pieces = useCart().reduce((sum, line) => sum + line.quantity, 0);
  const [path] = useLocation();
  const item = (href: string, label: ReactNode, current: boolean) => (
    <Link href={href} aria-current={current ? 'page' : undefined}>
      {label}
    </Link>
  );
  return (
    <nav aria-label={t().frame.mainNavigation}>
      {item('/', t().frame.shop, path === '/' || path.startsWith('/products/'))}
      {item('/orders', t().frame.orders, path.startsWith('/orders') || path.startsWith('/pay/'))}
      {session !== null && isStaff(session.user) && item('/staff', t().frame.staff, path.startsWith('/staff'))}
      {item(
        '/cart',
        <>
          {t().frame.cart}
          {pieces > 0 && (
            <span className="count">
              {pieces}
              <span className="hidden-visually">{t().frame.pieces(pieces)}</span>
            </span>
          )}
        </>,
        path === '/cart',
      )}
    </nav>
  );
}

function Account() {
  const session = useSession();
  const [path] = useLocation();
  const [asking, setAsking] = useState(false);
  if (session === null) {
    return (
      <div className="who">
        <button type="button" className="button quiet" onClick={() => setAsking(true)}>
          {t().frame.signIn}
        </button>
        {asking && <SignInDialog onDone={() => setAsking(false)} onClose={() => setAsking(false)} />}
      </div>
    );
  }
  return (
    <div className="who">
      <Bell key={session.user.id} />
      <Link href="/account" title={t().frame.yourAccount} aria-current={path === '/account' ? 'page' : undefined}>
        <span className="name">{session.user.name}</span>
      </Link>
      <button type="button" className="link" onClick={signOut}>
        {t().frame.signOut}
      </button>
    </div>
  );
}
