import { useId } from 'react';

/** A secret that is shown once. */
export function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const id = useId();
  return (
    <section className="card form" aria-label="The secret">
      <div className="field">
        <label htmlFor={id}>The endpoint’s secret, shown this once</label>
        <input id={id} readOnly value={secret} onFocus={(event) => event.target.select()} />
      </div>
      <p className="small muted">Messages are signed with it. Keep it where the endpoint reads it.</p>
      <p>
        <button type="button" className="button quiet" onClick={onClose}>
          I have it
        </button>
      </p>
    </section>
  );
}
