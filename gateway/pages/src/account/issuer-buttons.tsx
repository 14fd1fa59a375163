import { useEffect, useState } from 'react';
import type { Action } from '../ui/use-action.ts';
import { type Issuer, beginAt, findIssuers } from './identity-login.ts';
import { t } from '../language/catalogue.ts';

/** A button for each system whose accounts are good here; nothing where there are none, or they can't be asked for now. */
export function IssuerButtons({ busy, run }: Pick<Action, 'busy' | 'run'>) {
  const [issuers, setIssuers] = useState<readonly Issuer[]>([]);
  useEffect(() => {
    let isThere = true;
    findIssuers().then(
      (found) => isThere && setIssuers(found),
      // The form works without them.
      () => undefined,
    );
    return () => {
      isThere = false;
    };
  }, []);
  if (issuers.length === 0) return null;
  return (
    <div className="form" role="group" aria-label={t().signIn.otherWays}>
      {issuers.map(({ issuer, name }) => (
        <button
          key={issuer}
          type="button"
          className="button quiet"
          disabled={busy}
          onClick={() => void run(() => beginAt(issuer))}
        >
          {t().signIn.continueWith(name)}
        </button>
      ))}
    </div>
  );
}
