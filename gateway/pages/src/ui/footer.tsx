import { demoAccounts } from '../environment.ts';
import { t } from '../language/catalogue.ts';
import { LanguageSwitch } from '../language/language-switch.tsx';

const doors = () => {
  const { footer } = t();
  return [
    ['/graphiql', 'GraphiQL', footer.graphiql],
    ['/staff', footer.staff, footer.staffText],
    ['/jobs', footer.jobs, footer.jobsText],
    ['/health/ready', footer.health, footer.healthText],
  ] as const;
};

/** Ways to what is behind the shop, and who may be used to try it. */
export const Footer = () => (
  <footer className="foot">
    <div className="wrap">
      <LanguageSwitch />
      <nav aria-label={t().footer.title}>
        <h2>{t().footer.title}</h2>
        <p>
          {t().footer.before}
          <code>/graphql</code>
          {t().footer.after}
        </p>
        <ul className="doors">
          {doors().map(([href, title, text]) => (
            <li key={href}>
              <a href={href}>{title}</a>
              <span>{text}</span>
            </li>
          ))}
        </ul>
      </nav>
      {demoAccounts.length > 0 && (
        <details>
          <summary>{t().footer.demoAccounts}</summary>
          <p>{t().footer.demoText}</p>
          <ul className="doors">
            {demoAccounts.map((account) => (
              <li key={account.mobile}>
                <strong>{account.name}</strong>
                <code>
                  {account.mobile} · {account.password}
                </code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  </footer>
);
