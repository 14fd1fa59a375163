import { useState } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { NotificationsDocument, type NotificationsQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { formatMoment } from '../format.ts';
import { t } from '../language/catalogue.ts';
import { useReloadOn } from '../orders/use-reload-on.ts';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { useAction } from '../ui/use-action.ts';
import { useChanges } from './changes.ts';
import { useMarkRead, useUnread } from './unread.ts';

type Told = NonNullable<NotificationsQuery['me']>['notifications']['edges'][number]['node'];

const pageSize = 20;

/** What the user was told, newest first, live. */
export function NotificationsPage() {
  useTitle(t().notifications.title);
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  return (
    <>
      <div className="page-head">
        <h1>{t().notifications.title}</h1>
      </div>
      <MarkAll />
      {starts.map((after) => (
        <Part
          key={after ?? ''}
          after={after}
          onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
        />
      ))}
    </>
  );
}

function MarkAll() {
  const unread = useUnread();
  const markRead = useMarkRead();
  const { busy, problem, run } = useAction();
  return (
    <>
      {unread > 0 && (
        <p className="mark-all">
          <button
            type="button"
            className="button quiet"
            disabled={busy}
            onClick={() => void run(() => markRead('all'))}
          >
            {t().notifications.markAll}
          </button>
        </p>
      )}
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </>
  );
}

function Part({ after, onMore }: { after: string | null; onMore: ((next: string) => void) | null }) {
  const [{ data, error }, reload] = useQuery({
    query: NotificationsDocument,
    variables: { first: pageSize, after },
    requestPolicy: 'cache-and-network',
  });
  useReloadOn(useChanges(), reload);
  if (data === undefined && error !== undefined) {
    const retry = () => reload({ requestPolicy: 'network-only' });
    return <Problem what={t().notifications.unshown} why={toApiError(error).message} onRetry={retry} />;
  }
  if (data === undefined) return <Skeleton count={3} className="order-list" label={t().notifications.loading} />;
  const all = data.me?.notifications.edges.map(({ node }) => node) ?? [];
  const next = data.me?.notifications.pageInfo.hasNextPage ? data.me.notifications.pageInfo.endCursor : null;
  if (all.length === 0 && after === null) {
    return (
      <Empty title={t().notifications.none}>
        <p className="muted">{t().notifications.noneText}</p>
      </Empty>
    );
  }
  return (
    <>
      <List all={all} />
      {next !== null && onMore !== null && (
        <p className="more">
          <button type="button" className="button quiet" onClick={() => onMore(next)}>
            {t().notifications.older}
          </button>
        </p>
      )}
    </>
  );
}

function List({ all }: { all: readonly Told[] }) {
  const markRead = useMarkRead();
  const { busy, problem, run } = useAction();
  return (
    <>
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
      <ul className="card notifications">
        {all.map((one) => (
          <Row key={one.id} one={one} busy={busy} onRead={() => void run(() => markRead([one.id]))} />
        ))}
      </ul>
    </>
  );
}

function Row({ one, busy, onRead }: { one: Told; busy: boolean; onRead: () => void }) {
  const isUnread = one.readAt === null;
  return (
    <li className={isUnread ? 'unread' : undefined}>
      <p>
        <strong>{one.title}</strong> {isUnread && <span className="badge wait">{t().notifications.unread}</span>}
      </p>
      <p className="small body">{one.body}</p>
      <p className="small muted choices">
        <time dateTime={one.createdAt}>{formatMoment(one.createdAt)}</time>
        {one.order !== null && (
          <Link
            href={`/orders/${one.order.id}`}
            aria-label={`${t().notifications.seeOrder} ${one.order.number}`}
            onClick={() => {
              if (isUnread) onRead();
            }}
          >
            {t().notifications.seeOrder}
          </Link>
        )}
        {isUnread && (
          <button type="button" className="link" disabled={busy} onClick={onRead}>
            {t().notifications.markOne}
            <span className="hidden-visually">: {one.title}</span>
          </button>
        )}
      </p>
    </li>
  );
}
