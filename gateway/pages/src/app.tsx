import { useEffect, useMemo } from 'react';
import { Provider } from 'urql';
import { Route, Switch, useLocation } from 'wouter';
import { CallbackPage } from './account/callback-page.tsx';
import { callbackPath } from './account/identity-login.ts';
import { SignInGate } from './account/sign-in-gate.tsx';
import { CartPage } from './cart/cart-page.tsx';
import { clientOf } from './client.ts';
import { showLanguage, t } from './language/catalogue.ts';
import { usePreferredLanguage } from './language/language.ts';
import { OrderPage } from './orders/order-page.tsx';
import { OrdersPage } from './orders/orders-page.tsx';
import { PayPage } from './pay/pay-page.tsx';
import { useSession } from './session.ts';
import { ProductPage } from './shop/product-page.tsx';
import { ShopPage } from './shop/shop-page.tsx';
import { Boundary, Later, partOf } from './ui/boundary.tsx';
import { Frame } from './ui/frame.tsx';
import { NotFound } from './ui/not-found.tsx';
import { WalletPage } from './wallet/wallet-page.tsx';

/** Few who come here are staff: they fetch their view when they open it. */
const StaffView = partOf(async () => (await import('./staff/staff-view.tsx')).StaffView);
const NotificationsPage = partOf(
  async () => (await import('./notifications/notifications-page.tsx')).NotificationsPage,
);
const AccountPage = partOf(async () => (await import('./account/account-page.tsx')).AccountPage);

const firstParts = new Map<string, { fetch(): Promise<void> }>([
  ['staff', StaffView],
  ['notifications', NotificationsPage],
  ['account', AccountPage],
]);

/** Fetches the part of the script that the page at this path begins with. */
export const firstPart = async (path: string): Promise<void> => {
  const [, place = ''] = path.split('/');
  await firstParts.get(place)?.fetch();
};

/** All pages but GraphiQL. The server knows the same paths (gateway/pages/serve-pages.ts), so each survives a reload. */
export function App() {
  useLanguage();
  const [path] = useLocation();
  const userId = useSession()?.user.id ?? null;
  // What one viewer was told must not be shown to the next.
  const client = useMemo(() => clientOf(userId), [userId]);
  return (
    <Provider value={client}>
      <Frame>
        <Boundary place={path}>
          <Switch>
            <Route path="/" component={ShopPage} />
            <Route path="/products/:id">{({ id }) => <ProductPage id={id} />}</Route>
            <Route path="/cart" component={CartPage} />
            <Route path="/orders">
              <SignInGate title={t().orders.yours} reason={t().orders.yoursReason}>
                {() => <OrdersPage />}
              </SignInGate>
            </Route>
            <Route path="/orders/:id">
              {({ id }) => (
                <SignInGate title={t().orders.one} reason={t().orders.oneReason}>
                  {(user) => <OrderPage key={id + user.id} orderId={id} />}
                </SignInGate>
              )}
            </Route>
            <Route path="/pay/:id">
              {({ id }) => (
                <SignInGate title={t().pay.title} reason={t().pay.reason}>
                  {(user) => <PayPage key={id + user.id} orderId={id} />}
                </SignInGate>
              )}
            </Route>
            <Route path={callbackPath} component={CallbackPage} />
            <Route path="/account">
              <SignInGate title={t().account.title} reason={t().account.reason}>
                {(user) => (
                  <Later>
                    <AccountPage key={user.id} />
                  </Later>
                )}
              </SignInGate>
            </Route>
            <Route path="/notifications">
              <SignInGate title={t().notifications.title} reason={t().notifications.reason}>
                {(user) => (
                  <Later>
                    <NotificationsPage key={user.id} />
                  </Later>
                )}
              </SignInGate>
            </Route>
            <Route path="/wallet">
              <SignInGate title={t().wallet.title} reason={t().wallet.reason}>
                {() => <WalletPage />}
              </SignInGate>
            </Route>
            <Route path="/staff/*?">
              <SignInGate title="Staff" reason="This part is for the people who run the shop.">
                {(user) => (
                  <Later>
                    <StaffView key={user.id} user={user} />
                  </Later>
                )}
              </SignInGate>
            </Route>
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </Boundary>
      </Frame>
    </Provider>
  );
}

/** Shows the reader's language; what staff work with is English. All below is drawn anew with each change. */
function useLanguage(): void {
  const [path] = useLocation();
  const preferred = usePreferredLanguage();
  const language = /^\/staff(\/|$)/.test(path) ? 'en' : preferred;
  showLanguage(language, navigator.languages);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
}
