import { Component, type ComponentType, type ReactNode, Suspense, lazy, useState } from 'react';
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

/** A component of a part of the script that is fetched when it is drawn, or before that by `fetch`. */
export type Part<Props extends object> = ComponentType<Props> & { fetch(): Promise<void> };

/**
 * What is here already is drawn at once: React shows what it shows meanwhile for 300 ms at least. Within `Later`, which tells
 * when the part did not load.
 */
export function partOf<Props extends object>(load: () => Promise<ComponentType<Props>>): Part<Props> {
  let known: ComponentType<Props> | undefined;
  const get = async () => ({ default: (known = await load()) });
  const Fetched = lazy(get);
  function Drawn(props: Props) {
    // One and the same as long as it is drawn: it would lose its state.
    const [Shown] = useState<ComponentType<Props>>(() => known ?? Fetched);
    return <Shown {...props} />;
  }
  return Object.assign(Drawn, {
    fetch: () =>
      get().then(
        () => undefined,
        () => undefined,
      ),
  });
}
