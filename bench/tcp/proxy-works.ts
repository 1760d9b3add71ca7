// pure
import type { LoadShape } from './load.ts';

const SECONDS = 0.5;

export interface ProxyWork {
  readonly name: string;
  readonly shape: LoadShape;
  /** Against the best of HAProxy's and nginx's configurations. */
  readonly goal: number;
  /** What stands behind the proxies. */
  readonly backend: 'echo' | 'sink';
}

export const PROXY_WORKS: readonly ProxyWork[] = [
  { name: 'bulk, 1 connection, bytes', shape: { mode: 'bulk', connections: 1, seconds: SECONDS }, goal: 0.9, backend: 'sink' },
  {
    name: 'bulk, 100 connections, bytes',
    shape: { mode: 'bulk', connections: 100, seconds: SECONDS },
    goal: 0.9,
    backend: 'sink',
  },
  { name: 'connect, request, close', shape: { mode: 'short', connections: 50, seconds: SECONDS }, goal: 1.05, backend: 'echo' },
  {
    name: 'round trips, 100 connections',
    shape: { mode: 'echo', connections: 100, seconds: SECONDS },
    goal: 1.05,
    backend: 'echo',
  },
  {
    name: 'round trips, 1,000 connections',
    shape: { mode: 'echo', connections: 1_000, seconds: SECONDS },
    goal: 1.05,
    backend: 'echo',
  },
];

/** Requests a second for the latency that a proxy adds. */
export const PACED: LoadShape = { mode: 'paced', connections: 100, seconds: 1, rate: 8_000 };
