import { type Descriptors, loadDescriptors } from '@lars/reactor';
import { DispatchLink, type DispatchLinkDeps } from './dispatch-link.ts';

/** What every worker may say of itself. */
export interface WorkerOptions {
  /** How many connections this worker wants at a time. Default: any number. */
  readonly maxConnections?: number;
  /** Called when the dispatcher wants this worker to finish, because a new one is there. Default: no more connections are taken, and those that are open end by themselves. */
  readonly onDrain?: () => void;
  /** Is told when the dispatcher cannot be reached; it is tried again until it is there. Default: process.emitWarning. */
  readonly onTrouble?: (error: Error) => void;
}

/** The variables that `lars dispatch --workers` sets for the programs that it starts. */
export const SOCKET_VARIABLE = 'LARS_DISPATCH_SOCKET';
export const TICKET_VARIABLE = 'LARS_DISPATCH_TICKET';

const UINT32_MAX = 0xffff_ffff;

/** What a worker of this process needs before it connects. */
export interface WorkerPlace {
  readonly path: string;
  readonly descriptors: Descriptors;
}

export interface WorkerLink {
  readonly link: DispatchLink;
  /** Connections come, or none will come any more. */
  readonly attached: Promise<void>;
}

/**
 * @param socketPath undefined: what LARS_DISPATCH_SOCKET says
 * @throws {Error} when there is no path, this is not Linux, or koffi is missing
 */
export async function findDispatcher(socketPath: string | undefined): Promise<WorkerPlace> {
  const path = socketPath ?? process.env[SOCKET_VARIABLE];
  if (path === undefined || path === '')
    throw new TypeError(`no path of a dispatcher's socket: neither an argument nor ${SOCKET_VARIABLE}`);
  const outcome = await loadDescriptors();
  if ('unavailable' in outcome) throw new Error(`connections cannot be received from a dispatcher: ${outcome.unavailable}`);
  return { path, descriptors: outcome.descriptors };
}

/** Connects to the dispatcher, as often as that is needed. */
export function openLink(
  { path, descriptors }: WorkerPlace,
  { maxConnections = 0, onTrouble = warn(path) }: WorkerOptions,
  worker: Pick<DispatchLinkDeps, 'onConnection' | 'countOpen' | 'onDrain' | 'onLeft'>,
): WorkerLink {
  const { promise: attached, resolve } = Promise.withResolvers<void>();
  const ticket = Number(process.env[TICKET_VARIABLE] ?? 0) || 0;
  const link = new DispatchLink(
    { socketPath: path, maxConnections: Math.min(maxConnections, UINT32_MAX), ticket },
    {
      ...worker,
      descriptors,
      nowMs: () => performance.now(),
      random: Math.random,
      onAttached: resolve,
      onLeft: () => {
        resolve();
        worker.onLeft();
      },
      onTrouble,
    },
  );
  link.open();
  return { link, attached };
}

function warn(path: string): (error: Error) => void {
  return error =>
    process.emitWarning(`no connections from the dispatcher at ${path} for now: ${error.message}`, 'DispatchWarning');
}
