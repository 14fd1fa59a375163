import { useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { isIn, roomGroups } from './rooms.ts';

/** The staff's pages in groups, and the way to find anything. */
export function Navigation({ admin, onFind }: { admin: boolean; onFind: () => void }) {
  const [path] = useLocation();
  const nav = useRef<HTMLElement>(null);
  // On a phone the groups stand in one row, which may begin far from where one is.
  useEffect(() => {
    const [row, here] = [nav.current, nav.current?.querySelector<HTMLElement>('[aria-current]')];
    if (row && here) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.clientWidth) / 2;
  }, [path]);
  return (
    <div className="staff-head">
      <nav className="rooms" aria-label="Staff" ref={nav}>
        {roomGroups.map(([name, rooms]) => (
          <div key={name} role="group" aria-label={name}>
            <span className="small muted" aria-hidden="true">
              {name}
            </span>
            {rooms
              .filter(({ adminOnly }) => admin || adminOnly !== true)
              .map((room) => (
                <Link key={room.path} href={room.path} aria-current={isIn(room, path) ? 'page' : undefined}>
                  {room.name}
                </Link>
              ))}
          </div>
        ))}
      </nav>
      <button type="button" className="button quiet find" onClick={onFind} aria-keyshortcuts="Control+K Meta+K">
        Find <kbd aria-hidden="true">Ctrl K</kbd>
      </button>
    </div>
  );
}
