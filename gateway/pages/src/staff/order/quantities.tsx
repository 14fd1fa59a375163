import { Stepper } from '../../ui/stepper.tsx';

/** A line of an order and how many of its pieces can be chosen. */
export type Choosable = { readonly id: string; readonly title: string; readonly most: number };

/** Chooses pieces of lines. A line that isn't in `chosen` has none. */
export const Quantities = ({
  lines,
  chosen,
  onChange,
}: {
  lines: readonly Choosable[];
  chosen: ReadonlyMap<string, number>;
  onChange: (chosen: ReadonlyMap<string, number>) => void;
}) => {
  const set = (id: string, quantity: number) => {
    const next = new Map(chosen);
    if (quantity === 0) next.delete(id);
    else next.set(id, quantity);
    onChange(next);
  };
  return lines.map(({ id, title, most }) => (
    <div key={id} className="return-line">
      <label className="switch">
        <input type="checkbox" checked={chosen.has(id)} onChange={({ target }) => set(id, target.checked ? most : 0)} />
        <span>{title}</span>
      </label>
      {chosen.has(id) && most > 1 && (
        <Stepper
          label={`How many of ${title}`}
          value={chosen.get(id) ?? 1}
          max={most}
          onChange={(quantity) => set(id, quantity)}
        />
      )}
    </div>
  ));
};

/** Chosen pieces as the API takes them. */
export const linesOf = (chosen: ReadonlyMap<string, number>): { lineId: string; quantity: number }[] =>
  [...chosen].map(([lineId, quantity]) => ({ lineId, quantity }));
