import { Link } from 'wouter';
import { useTitle } from './parts.tsx';
import { t } from '../language/catalogue.ts';

/** For a path of the shop that leads nowhere. */
export function NotFound({ title = t().frame.noSuchPage, text }: { title?: string; text?: string }) {
  useTitle(title);
  return (
    <div className="narrow">
      <h1>{title}</h1>
      <p className="muted">{text ?? t().frame.leadsNowhere}</p>
      <p>
        <Link href="/">{t().frame.toTheShop}</Link>
      </p>
    </div>
  );
}
