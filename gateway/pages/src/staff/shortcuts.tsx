import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { Switch } from '../ui/text-field.tsx';
import { Palette } from './palette.tsx';
import { roomsFor } from './rooms.ts';

/** Where it is kept that somebody wants no keys without Ctrl: they are in the way of those who speak to their computer. */
const offKey = 'staff-keys';
/** How long after `g` the second key is waited for. */
const secondKeyMs = 1_500;

const readOff = (): boolean => {
  try {
    return localStorage.getItem(offKey) === 'off';
  } catch {
    // Storage is switched off: then the choice lives as long as the page.
    return false;
  }
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));

type Shown = 'palette' | 'help' | null;

/** The keys of the staff's pages; returns what they have opened, and a way to open the search by hand. */
export function useShortcuts(admin: boolean) {
  const [, go] = useLocation();
  const [shown, setShown] = useState<Shown>(null);
  const [off, setOff] = useState(readOff);
  const goingSince = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setShown('palette');
        return;
      }
      if (shown !== null || off || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const room = roomsFor(admin).find(({ key }) => key === event.key);
      if (room !== undefined && event.timeStamp - goingSince.current < secondKeyMs) {
        goingSince.current = 0;
        go(room.path);
      } else if (event.key === 'g') goingSince.current = event.timeStamp;
      else if (event.key === '?') setShown('help');
      else if (event.key === '/') {
        const field = document.querySelector<HTMLInputElement>('main input[type="search"]');
        if (field === null) return;
        event.preventDefault();
        field.focus();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [admin, go, off, shown]);

  const choose = (wanted: boolean) => {
    setOff(!wanted);
    try {
      localStorage.setItem(offKey, wanted ? 'on' : 'off');
    } catch {
      // As above.
    }
  };
  const close = () => setShown(null);
  return {
    openPalette: () => setShown('palette'),
    opened: (
      <>
        {shown === 'palette' && <Palette admin={admin} onClose={close} />}
        {shown === 'help' && <Help admin={admin} off={off} onChoose={choose} onClose={close} />}
      </>
    ),
  };
}

function Help({
  admin,
  off,
  onChoose,
  onClose,
}: {
  admin: boolean;
  off: boolean;
  onChoose: (wanted: boolean) => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const keys: readonly (readonly [keys: readonly string[], text: string])[] = [
    [['Ctrl', 'K'], 'Find anything'],
    [['/'], 'Search this list'],
    ...roomsFor(admin).flatMap(({ key, name }) => (key === undefined ? [] : [[['g', key], name] as const])),
    [['?'], 'These keys'],
  ];
  return (
    <dialog ref={dialog} className="help" aria-labelledby="keys-title" onClose={onClose}>
      <h2 id="keys-title">Keys</h2>
      <dl className="facts">
        {keys.map(([pressed, text]) => (
          <div key={text}>
            <dt>
              {pressed.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <Switch label="Use the keys without Ctrl" value={!off} onChange={onChoose} />
      <p>
        <button type="button" className="button quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  );
}
