import { demoAccounts } from '../environment.ts';

const doors = [
  ['/graphiql', 'GraphiQL', 'Explore and run the API: documentation, examples, live subscriptions.'],
  ['/staff', 'Staff view', 'All orders live, sagas step by step, stock.'],
  ['/jobs', 'Jobs', 'What the background work is doing. For staff.'],
  ['/health/ready', 'Health', 'Whether everything this server needs is answering.'],
] as const;

/** Ways to what is behind the shop, and who may be used to try it. */
export const Footer = () => (
  <footer className="foot">
    <div className="wrap">
      <nav aria-label="Look inside">
        <h2>Look inside</h2>
        <p>
          Every answer on these pages comes from <code>/graphql</code>, as it would in your own frontend.
        </p>
        <ul className="doors">
          {doors.map(([href, title, text]) => (
            <li key={href}>
              <a href={href}>{title}</a>
              <span>{text}</span>
            </li>
          ))}
        </ul>
      </nav>
      {demoAccounts.length > 0 && (
        <details>
          <summary>Demo accounts</summary>
          <p>Only where the server runs for development. Nothing is sent, and no money moves.</p>
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
