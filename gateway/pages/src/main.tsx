import './styles.css';
import './shop/shop.css';
import './cart/checkout.css';
import './booking/booking.css';
import './orders/orders.css';
import './pay/pay.css';
import './wallet/wallet.css';
import './notifications/notifications.css';
import { App, firstPart } from './app.tsx';
import { firstAnswers } from './first-answers.ts';
import { show } from './ui/show.tsx';

await Promise.all([firstAnswers(), firstPart(location.pathname)]);
show(<App />);
