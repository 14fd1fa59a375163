import { Link } from 'wouter';
import { useTitle } from './parts.tsx';

/** For a path of the shop that leads nowhere. */
export function NotFound({ title = 'No such page', text }: { title?: string; text?: string }) {
  useTitle(title);
  return (
    <div className="narrow">
      <h1>{title}</h1>
      <p className="muted">{text ?? 'This address leads nowhere.'}</p>
      <p>
        <Link href="/">Go to the shop</Link>
      </p>
    </div>
  );
}
