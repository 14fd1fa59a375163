import '../styles.css';
import './pay.css';
import { show } from '../frame.tsx';
import { PayPage } from './pay-page.tsx';

show(<PayPage orderId={decodeURIComponent(location.pathname.split('/')[2] ?? '')} />);
