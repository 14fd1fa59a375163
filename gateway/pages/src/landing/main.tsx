import '../styles.css';
import './landing.css';
import { show } from '../frame.tsx';
import { LandingPage } from './landing-page.tsx';

show(<LandingPage />);
