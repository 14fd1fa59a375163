import { Component, type ReactNode, Suspense } from 'react';
import { t } from '../language/catalogue.ts';
import { Loading, Problem } from './parts.tsx';

/**
 * Where something below can't be drawn, e.g. because its part of the script did not load, this says so, and the rest of the
 * page stays. The browser asks for a script that failed once only, so going on takes a reload.
 */
export class Boundary extends Component<{ place?: string; children: ReactNode }, { isBroken: boolean }> {
  override readonly state = { isBroken: false };

  static getDerivedStateFromError = () => ({ isBroken: true });

  /** Another page may be whole. */
  override componentDidUpdate({ place }: { place?: string }): void {
    if (place !== this.props.place) this.setState({ isBroken: false });
  }

  override render(): ReactNode {
    if (!this.state.isBroken) return this.props.children;
    return <Problem what={t().frame.partMissing} why={t().frame.partMissingText} onRetry={() => location.reload()} />;
  }
}

/** For what is fetched when it is needed: says that it comes, or that it did not. */
export const Later = ({ text = t().frame.loading, children }: { text?: string; children: ReactNode }) => (
  <Boundary>
    <Suspense fallback={<Loading text={text} />}>{children}</Suspense>
  </Boundary>
);
