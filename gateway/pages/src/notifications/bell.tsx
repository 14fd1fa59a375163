import { Link, useLocation } from 'wouter';
import { WatchNotificationsDocument } from '../../../../schema/generated/operations.ts';
import { t } from '../language/catalogue.ts';
import { useFeed } from '../orders/use-feed.ts';
import { noteChange } from './changes.ts';
import { useUnread } from './unread.ts';

/** More is a number that nobody reads. */
const most = 99;

/** How much the signed-in user has not read, live, and the way to it. */
export function Bell() {
  const [path] = useLocation();
  useFeed({
    document: WatchNotificationsDocument,
    seqOf: ({ notifications }) => notifications.seq,
    onChange: noteChange,
  });
  const unread = useUnread();
  return (
    <Link
      className="bell"
      href="/notifications"
      aria-label={t().notifications.bell(unread)}
      aria-current={path === '/notifications' ? 'page' : undefined}
    >
      <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
        <path
          d="M12 3a6 6 0 0 0-6 6v3.6L4.4 16h15.2L18 12.6V9a6 6 0 0 0-6-6Zm-2.2 15.5a2.3 2.3 0 0 0 4.4 0"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.7"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      {unread > 0 && <span className="count">{unread > most ? `${most}+` : unread}</span>}
    </Link>
  );
}
