import './staff.css';
import './rules/rules.css';
import { Link, Route, Switch, useLocation } from 'wouter';
import { isStaff } from '../account/roles.ts';
import type { SignedInUser } from '../session.ts';
import { NotFound } from '../ui/not-found.tsx';
import { useTitle } from '../ui/parts.tsx';
import { DeadLettersPage } from './dead-letters-page.tsx';
import { FeedPage } from './feed-page.tsx';
import { JobsDoor } from './jobs-door.tsx';
import { ReturnsPage } from './returns-page.tsx';
import { CategoriesPage } from './rules/categories-page.tsx';
import { PromotionsPage } from './rules/promotions-page.tsx';
import { ShippingPage } from './rules/shipping-page.tsx';
import { SalesPage } from './sales-page.tsx';
import { StaffOrderPage } from './staff-order-page.tsx';
import { StockPage } from './stock-page.tsx';

const tabs = [
  ['/staff', 'Orders'],
  ['/staff/returns', 'Returns'],
  ['/staff/sales', 'Sales'],
  ['/staff/stock', 'Stock'],
  ['/staff/categories', 'Categories'],
  ['/staff/promotions', 'Promotions'],
  ['/staff/shipping', 'Shipping and taxes'],
  ['/staff/dead-letters', 'Dead letters'],
  ['/staff/jobs', 'Jobs'],
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
        <Route path="/staff/returns" component={ReturnsPage} />
        <Route path="/staff/sales" component={SalesPage} />
        <Route path="/staff/stock" component={StockPage} />
        <Route path="/staff/categories" component={CategoriesPage} />
        <Route path="/staff/promotions" component={PromotionsPage} />
        <Route path="/staff/shipping" component={ShippingPage} />
        <Route path="/staff/dead-letters" component={DeadLettersPage} />
        <Route path="/staff/jobs" component={JobsDoor} />
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </>
  );
}
