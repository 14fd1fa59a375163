import './staff.css';
import './rules/rules.css';
import './console.css';
import { Link, Route, Switch } from 'wouter';
import { isAdmin, isStaff } from '../account/roles.ts';
import type { SignedInUser } from '../session.ts';
import { NotFound } from '../ui/not-found.tsx';
import { useTitle } from '../ui/parts.tsx';
import { NewProductPage, StaffProductPage } from './catalogue/staff-product-page.tsx';
import { ProductsPage } from './catalogue/products-page.tsx';
import { DeadLettersPage } from './dead-letters-page.tsx';
import { FeedPage } from './feed-page.tsx';
import { JobsDoor } from './jobs-door.tsx';
import { Navigation } from './navigation.tsx';
import { CustomerPage } from './people/customer-page.tsx';
import { CustomersPage } from './people/customers-page.tsx';
import { ReturnsPage } from './returns-page.tsx';
import { CategoriesPage } from './rules/categories-page.tsx';
import { PromotionsPage } from './rules/promotions-page.tsx';
import { ShippingPage } from './rules/shipping-page.tsx';
import { AuditLogPage } from './running/audit-log-page.tsx';
import { EndpointPage } from './running/endpoint-page.tsx';
import { EndpointsPage } from './running/endpoints-page.tsx';
import { ProviderMessagesPage } from './running/provider-messages-page.tsx';
import { ReconciliationPage } from './running/reconciliation-page.tsx';
import { RefundsPage } from './running/refunds-page.tsx';
import { SagasPage } from './running/sagas-page.tsx';
import { SalesPage } from './sales-page.tsx';
import { useShortcuts } from './shortcuts.tsx';
import { StaffOrderPage } from './staff-order-page.tsx';
import { StockPage } from './stock-page.tsx';

/** For the people who run the shop: a shop's day, how it is set up, and how it runs. */
export function StaffView({ user }: { user: SignedInUser }) {
  return isStaff(user) ? <Rooms admin={isAdmin(user)} /> : <Refused name={user.name} />;
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

function Rooms({ admin }: { admin: boolean }) {
  const { openPalette, opened } = useShortcuts(admin);
  return (
    <>
      <Navigation admin={admin} onFind={openPalette} />
      {opened}
      <Switch>
        <Route path="/staff" component={FeedPage} />
        <Route path="/staff/orders/:id">{({ id }) => <StaffOrderPage key={id} orderId={id} />}</Route>
        <Route path="/staff/returns" component={ReturnsPage} />
        <Route path="/staff/customers" component={CustomersPage} />
        <Route path="/staff/customers/:id">{({ id }) => <CustomerPage key={id} id={id} />}</Route>
        <Route path="/staff/products" component={ProductsPage} />
        <Route path="/staff/products/new" component={NewProductPage} />
        <Route path="/staff/products/:id">{({ id }) => <StaffProductPage key={id} id={id} />}</Route>
        <Route path="/staff/stock" component={StockPage} />
        <Route path="/staff/sales" component={SalesPage} />
        <Route path="/staff/categories" component={CategoriesPage} />
        <Route path="/staff/promotions" component={PromotionsPage} />
        <Route path="/staff/shipping" component={ShippingPage} />
        <Route path="/staff/refunds" component={RefundsPage} />
        <Route path="/staff/reconciliation" component={ReconciliationPage} />
        <Route path="/staff/provider-messages" component={ProviderMessagesPage} />
        <Route path="/staff/dead-letters" component={DeadLettersPage} />
        <Route path="/staff/sagas" component={SagasPage} />
        <Route path="/staff/webhooks" component={EndpointsPage} />
        <Route path="/staff/webhooks/:id">{({ id }) => <EndpointPage key={id} id={id} />}</Route>
        <Route path="/staff/audit-log" component={AuditLogPage} />
        <Route path="/staff/jobs" component={JobsDoor} />
        <Route>
          <NotFound />
        </Route>
      </Switch>
    </>
  );
}
