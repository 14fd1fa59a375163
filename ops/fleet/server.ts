import { type Daemon, type DaemonKind, signalDaemon, startDaemon, stopDaemon } from '../embedded/daemon.ts';
import { freePort } from '../embedded/servers.ts';

/** A MariaDB or Redis of a fleet's own: it can be ended and started again at its port, with its data. */
export type FleetServer = {
  readonly port: number;
  /** Sends a signal, e.g. SIGSTOP. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it, cleanly or outright; resolves when it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again; resolves when it answers. Nothing for one that runs. */
  start(): Promise<void>;
};

/** Starts a server on a free port and on its data under `dataDir`. */
export async function startFleetServer(
  kind: DaemonKind,
  options: { dataDir: string; log: (line: string) => void },
): Promise<FleetServer> {
  const { dataDir, log } = options;
  const port = await freePort();
  let daemon: Daemon = await startDaemon(kind, dataDir, log, port);
  return {
    port,
    signal: (signal) => signalDaemon(daemon, signal),
    end: (signal) => stopDaemon(dataDir, daemon, signal),
    async start() {
      daemon = await startDaemon(kind, dataDir, log, port);
    },
  };
}
