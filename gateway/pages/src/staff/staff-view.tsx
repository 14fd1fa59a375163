import './staff.css';
import { Link, Route, Switch, useLocation } from 'wouter';
import { isStaff } from '../account/roles.ts';
import type { SignedInUser } from '../session.ts';
import { NotFound } from '../ui/not-found.tsx';
import { useTitle } from '../ui/parts.tsx';
import { DeadLettersPage } from './dead-letters-page.tsx';
import { FeedPage } from './feed-page.tsx';
import { StaffOrderPage } from './staff-order-page.tsx';
import { StockPage } from './stock-page.tsx';

const tabs = [
  ['/staff', 'Orders'],
  ['/staff/stock', 'Stock'],
  ['/staff/dead-letters', 'Dead letters'],
] as const;

/** For the people who run the shop: all orders live, each with its saga, the stock, and dead letters. */
export function StaffView({ user }: { user: SignedInUser }) {
  return isStaff(user) ? <Rooms /> : <Refused name={user.name} />;
}

function Refused({ name }: { name: string }) {
  useTitle('Only for staff');
  return (
    <div className="narrow">
      <h1>Only for staff</h1>
      <p className="notice wait">
        {name} is signed in as a customer. Orders of others and the stock are shown to operators and administrators.
      </p>
      <p>
        <Link href="/orders">Your own orders</Link>
      </p>
    </div>
  );
}

function Rooms() {
  const [path] = useLocation();
  return (
    <>
      <nav className="tabs" aria-label="Staff">
        {tabs.map(([href, label]) => {
          const here = path === href || (href === '/staff' && path.startsWith('/staff/orders'));
          return (
            <Link key={href} href={href} aria-current={here ? 'page' : undefined}>
              {label}
            </Link>
          );
        })}
      </nav>
      <Switch>
        <Route path="/staff" component={FeedPage} />
        <Route path="/staff/orders/:id">{({ id }) => <StaffOrderPage key={id} orderId={id} />}</Route>
        <Route path="/staff/stock" component={StockPage} />
        <Route path="/staff/dead-letters" component={DeadLettersPage} />
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </>
  );
}
