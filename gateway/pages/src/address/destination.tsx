import { useId, useState } from 'react';
import { SignInDialog } from '../account/sign-in-dialog.tsx';
import { useSession } from '../session.ts';
import { Loading, Problem } from '../ui/parts.tsx';
import { type Address, type AddressProblems, type Entered, addressOf, nothingEntered } from './address.ts';
import { LazyAddressForm } from './lazy-form.tsx';
import { useAddressBook } from './use-address-book.ts';
import { locale, t } from '../language/catalogue.ts';

/** Where an order goes: an address of the book by its id, or one that was typed. Null: the default address, where there is one. */
export type Destination = { readonly id: string } | { readonly entered: Entered } | null;

/** A destination as the API takes it. */
export const destinationInput = (
  destination: Destination,
): { shippingAddressId?: string; shippingAddress?: Address } =>
  destination === null
    ? {}
    : 'id' in destination
      ? { shippingAddressId: destination.id }
      : { shippingAddress: addressOf(destination.entered) };

/**
 * Chooses where an order goes: an address of the book, or a new one, which joins the book of who is signed in.
 *
 * @param problems what the API says of the address that was typed
 */
export function DestinationChoice({
  destination,
  problems,
  onChange,
}: {
  destination: Destination;
  problems: AddressProblems;
  onChange: (destination: Destination) => void;
}) {
  const session = useSession();
  const book = useAddressBook(session !== null);
  const [adding, setAdding] = useState(false);
  const [asking, setAsking] = useState(false);
  const name = useId();
  const typed = destination !== null && 'entered' in destination ? destination.entered : null;
  const isTypedGood = typed !== null && Object.keys(problems).length === 0;

  if (book.unknown !== null) {
    return <Problem what={t().address.bookUnshown} why={book.unknown} onRetry={book.reload} />;
  }
  if (book.addresses === null) return <Loading text={t().address.lookingUp} />;
  const chosenId = destination !== null && 'id' in destination ? destination.id : book.addresses[0]?.id;
  const submit = async (entered: Entered) => {
    if (session === null) {
      onChange({ entered });
      setAdding(false);
      return;
    }
    const kept = await book.save(entered);
    if (kept === null) return;
    onChange({ id: kept.id });
    setAdding(false);
  };
  if (isTypedGood && !adding) {
    return (
      <div className="chosen-address">
        <AddressLines entered={typed} />
        <button type="button" className="link" onClick={() => setAdding(true)}>
          {t().address.change}
        </button>
      </div>
    );
  }
  return (
    <>
      {book.addresses.length > 0 && typed === null && (
        <ul className="addresses" aria-label={t().address.yours}>
          {book.addresses.map(({ id, address, label }) => (
            <li key={id}>
              <label className="check">
                <input
                  type="radio"
                  name={name}
                  checked={!adding && chosenId === id}
                  onChange={() => {
                    setAdding(false);
                    onChange({ id });
                  }}
                />
                <span>
                  {label !== null && <strong>{label}</strong>}
                  <span className="small">{address.formatted.join(', ')}</span>
                </span>
              </label>
            </li>
          ))}
          <li>
            <label className="check">
              <input type="radio" name={name} checked={adding} onChange={() => setAdding(true)} />
              <span>{t().address.another}</span>
            </label>
          </li>
        </ul>
      )}
      {(adding || book.addresses.length === 0 || typed !== null) && (
        <LazyAddressForm
          key={String(session?.user.id)}
          label={t().address.shippedTo}
          initial={typed ?? { ...nothingEntered, name: session?.user.name ?? '' }}
          problems={session === null ? problems : book.problems}
          busy={book.busy}
          press={session === null ? t().address.shipHere : t().address.keepAndShip}
          onSubmit={(entered) => void submit(entered)}
        />
      )}
      <div role="alert">{book.problem !== null && <p className="notice bad">{book.problem}</p>}</div>
      {session === null && (
        <p className="small muted">
          {t().address.before}{' '}
          <button type="button" className="link" onClick={() => setAsking(true)}>
            {t().frame.signIn}
          </button>{' '}
          {t().address.andTakeOne}
        </p>
      )}
      {asking && <SignInDialog onClose={() => setAsking(false)} onDone={() => setAsking(false)} />}
    </>
  );
}

function AddressLines({ entered }: { entered: Entered }) {
  const { name, line1, line2, postalCode, city, region, countryCode } = entered;
  const country = new Intl.DisplayNames(locale(), { type: 'region' }).of(countryCode) ?? countryCode;
  const lines = [name, line1, line2, `${postalCode} ${city} ${region}`.trim(), country];
  return (
    <address>
      {lines
        .filter((line) => line.trim() !== '')
        .map((line) => (
          <div key={line}>{line}</div>
        ))}
    </address>
  );
}
