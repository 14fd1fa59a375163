import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { useLocation } from 'wouter';
import { FindDocument, type FindQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { stateText } from '../orders/order-state.tsx';
import { roomsFor } from './rooms.ts';

/** A search is sent when the typing pauses. */
const typingPauseMs = 200;
const shortestSearch = 2;
const longestSearch = 64;

type Place = { readonly path: string; readonly name: string; readonly kind: string };

const placesOf = ({ orders, users, products }: FindQuery): Place[] => [
  ...orders.edges.map(({ node }) => ({
    path: `/staff/orders/${node.id}`,
    name: `${node.number} · ${node.customer.name}`,
    kind: stateText(node.state),
  })),
  ...users.edges.map(({ node }) => ({
    path: `/staff/customers/${node.id}`,
    name: [node.name, node.mobile].filter((text) => text !== null).join(' · '),
    kind: 'Customer',
  })),
  ...products.edges.map(({ node }) => ({
    path: `/staff/products/${node.id}`,
    name: `${node.name} · ${node.sku}`,
    kind: 'Product',
  })),
];

/** Goes to a page, an order, a customer or a product by any part of its name. */
export function Palette({ admin, onClose }: { admin: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [, go] = useLocation();
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const [chosen, setChosen] = useState(0);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), typingPauseMs);
    return () => clearTimeout(timer);
  }, [typed]);

  const pause = asked.length < shortestSearch;
  const [{ data, error, fetching }] = useQuery({ query: FindDocument, variables: { text: asked }, pause });
  const wanted = typed.trim().toLowerCase();
  const rooms = roomsFor(admin)
    .filter(({ name, also = '' }) => `${name} ${also}`.toLowerCase().includes(wanted))
    .map(({ path, name }) => ({ path, name, kind: 'Page' }));
  // Never what an older search found: Enter would open it.
  const isCurrent = !pause && !fetching && asked.toLowerCase() === wanted;
  const places = [...rooms, ...(isCurrent && data !== undefined ? placesOf(data) : [])];
  const current = Math.min(chosen, places.length - 1);

  const open = (place: Place | undefined) => {
    if (place === undefined) return;
    // Gives the focus back before the place takes it.
    dialog.current?.close();
    go(place.path);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen(Math.min(current + 1, places.length - 1));
    else if (event.key === 'ArrowUp') setChosen(Math.max(current - 1, 0));
    else if (event.key === 'Enter') open(places[current]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} className="palette" aria-label="Find" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Page, order, customer or product"
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={places.length === 0 ? undefined : `${id}-${current}`}
        autoComplete="off"
        placeholder="Page, order, customer or product"
        maxLength={longestSearch}
        value={typed}
        onKeyDown={onKey}
        onChange={({ target }) => {
          setTyped(target.value);
          setChosen(0);
        }}
      />
      <ul role="listbox" id={`${id}-list`} aria-label="What fits">
        {places.map((place, index) => (
          <li
            key={place.path}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            ref={(row) => {
              if (index === current) row?.scrollIntoView({ block: 'nearest' });
            }}
            onClick={() => open(place)}
          >
            <span>{place.name}</span>
            <span className="small muted">{place.kind}</span>
          </li>
        ))}
      </ul>
      <p className="small muted" role="status">
        {error !== undefined && !pause && toApiError(error).message}
        {error === undefined && !isCurrent && wanted.length >= shortestSearch && 'Searching…'}
        {error === undefined && (isCurrent || pause) && places.length === 0 && wanted.length > 0 && 'Nothing fits.'}
      </p>
    </dialog>
  );
}
