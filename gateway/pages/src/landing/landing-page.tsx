import { demoAccounts } from '../environment.ts';
import { Frame } from '../frame.tsx';
import { Shop } from './shop.tsx';

const promises = [
  ['One graph', 'Users, products, orders and payments are services of their own, composed by Apollo Federation.'],
  ['No overselling', 'The database itself refuses to sell what is not there, and a ledger can prove every unit.'],
  ['Deadlines that hold', 'Unpaid orders expire to the second and give their stock back, also after a crash.'],
  ['Live without a gap', 'Subscriptions resume where they broke off: each change exactly once, in order.'],
] as const;

const doors = [
  ['/graphiql', 'GraphiQL', 'Explore and run the API: documentation, examples, live subscriptions.'],
  ['/jobs', 'Jobs', 'What the background work is doing. For staff.'],
  ['/health/ready', 'Health', 'Whether everything this server needs is answering.'],
  ['/metrics', 'Metrics', 'Counters and histograms for Prometheus.'],
] as const;

export function LandingPage() {
  return (
    <Frame
      nav={
        <nav aria-label="Main">
          <a href="#shop" className="secondary">
            Shop
          </a>
          <a href="/graphiql">GraphiQL</a>
          <a href="#inside">Look inside</a>
        </nav>
      }
    >
      <Hero />
      <ul className="promises">
        {promises.map(([title, text]) => (
          <li key={title}>
            <h2>{title}</h2>
            <p className="muted">{text}</p>
          </li>
        ))}
      </ul>
      <Shop />
      <Inside />
      {demoAccounts.length > 0 && <DemoAccounts />}
      <footer className="foot">
        Start with <code>README.md</code> for a first order by hand, <code>ARCHITECTURE.md</code> for how it is built,
        and <code>schema/operations</code> for operations to copy.
      </footer>
    </Frame>
  );
}

const Hero = () => (
  <section className="hero">
    <div className="words">
      <h1>Orders, stock and payments behind one GraphQL API</h1>
      <p className="lead">
        Place an order, pay it, and watch it change live. Every answer you see on this page comes from{' '}
        <code>/graphql</code>, as it would in your own frontend.
      </p>
      <div className="actions">
        <a className="button" href="/graphiql">
          Open GraphiQL
        </a>
        <a className="button quiet" href="#shop">
          Buy something
        </a>
      </div>
    </div>
    <figure className="listing">
      <figcaption>Follow an order, across services</figcaption>
      <pre tabIndex={0} role="region" aria-label="Example subscription">
        <b>subscription</b> Watch($id: <i>ID!</i>) {'{\n'}
        {'  '}orderEvents(orderId: $id, afterSeq: 0) {'{\n'}
        {'    '}event {'{ '}seq type at{' }\n'}
        {'    '}order {'{\n'}
        {'      '}state
        {'\n      '}customer {'{ '}name{' }\n'}
        {'      '}lines {'{ '}product {'{ '}name{' } }\n'}
        {'      '}payments {'{ '}method state{' }\n'}
        {'    }\n  }\n}'}
      </pre>
    </figure>
  </section>
);

const Inside = () => (
  <section id="inside" className="landing-section" aria-labelledby="inside-title">
    <div className="section-head">
      <h2 id="inside-title">Look inside</h2>
    </div>
    <ul className="inside">
      {doors.map(([href, title, text]) => (
        <li key={href}>
          <a className="card" href={href}>
            <strong>{title}</strong>
            <span className="muted">{text}</span>
            <code className="muted">{href}</code>
          </a>
        </li>
      ))}
    </ul>
  </section>
);

const DemoAccounts = () => (
  <section className="landing-section" aria-labelledby="demo-title">
    <div className="section-head">
      <h2 id="demo-title">Demo accounts</h2>
      <span className="muted small">Only where the server runs for development</span>
    </div>
    <ul className="demo">
      {demoAccounts.map((account) => (
        <li key={account.mobile}>
          {account.name}
          <br />
          <code className="muted">
            {account.mobile} · {account.password}
          </code>
        </li>
      ))}
    </ul>
  </section>
);
