import type { ListPlace } from './use-list-place.ts';

/** The way back, above a list that is shown from further down. */
export const ToStart = ({ place: { from, toStart }, label }: { place: ListPlace; label: string }) =>
  from !== null && (
    <p className="more">
      <button type="button" className="button quiet" onClick={toStart}>
        {label}
      </button>
    </p>
  );

/** The way on, below a page that has one after it. */
export const More = ({ label, onMore }: { label: string; onMore: () => void }) => (
  <p className="more">
    <button type="button" className="button quiet" onClick={onMore}>
      {label}
    </button>
  </p>
);
