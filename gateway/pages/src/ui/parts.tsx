import { type ReactNode, useEffect, useState } from 'react';
import { shopName } from '../environment.ts';
import type { ConnectionState } from '../live.ts';
import { t } from '../language/catalogue.ts';

/** The tab's title; it tells the state too, for whoever waits in another tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${shopName}`;
  }, [title]);
}

/** A picture that becomes the name's first letter when it can't be shown. */
export function Picture({
  cover,
  name,
  className,
  isMain = false,
}: {
  cover: string | null;
  name: string;
  className?: string;
  /** What a page shows first: it isn't waited with. */
  isMain?: boolean;
}) {
  const [broken, setBroken] = useState<string | null>(null);
  return (
    <div className={`picture ${className ?? ''}`} aria-hidden="true">
      {cover === null || cover === broken ? (
        name.trim().charAt(0).toUpperCase()
      ) : (
        <img src={cover} alt="" loading={isMain ? 'eager' : 'lazy'} onError={() => setBroken(cover)} />
      )}
    </div>
  );
}

export const Spinner = () => <span className="spinner" aria-hidden="true" />;

export const Loading = ({ text }: { text: string }) => (
  <p className="loading" role="status">
    <Spinner /> {text}
  </p>
);

/** Grey shapes where something is about to be, so that nothing jumps when it comes. */
export const Skeleton = ({ count, className, label }: { count: number; className: string; label: string }) => (
  <>
    <p className="hidden-visually" role="status">
      {label}
    </p>
    <div className={className} aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className="card skeleton" />
      ))}
    </div>
  </>
);

/** What can't be shown, why, and a way to try again. */
export const Problem = ({ what, why, onRetry }: { what: string; why: string; onRetry?: () => void }) => (
  <div className="notice bad" role="alert">
    <p>
      <strong>{what}</strong> {why}
    </p>
    {onRetry !== undefined && (
      <button type="button" className="button quiet" onClick={onRetry}>
        {t().frame.tryAgain}
      </button>
    )}
  </div>
);

/** Nothing is there yet, and what to do about it. */
export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => (
  <div className="empty">
    <h2>{title}</h2>
    {children}
  </div>
);

/** Whether what is shown is live. */
export const Connection = ({ state }: { state: ConnectionState }) => (
  <span className={`connection ${state}`} role="status">
    {t().frame[state]}
  </span>
);
