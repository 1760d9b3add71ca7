import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import type { ShardChannel } from '../link/shard-channel.ts';
import type { Counters } from '../stats.ts';
import { HASTE_MS } from './refresh.ts';
import { RouteCache, TICK_MS } from './route-cache.ts';

/** What a driver stands on. */
export interface DriverSurroundings {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly channelOf: (modid: number, cmdid: number) => ShardChannel;
  readonly counters: Counters;
}

/** How long a question for a route waits for its answer: nobody waits for it, and the next one is not asked before. */
const ANSWER_TIMEOUT_MS = 500;

/** No host of a route takes more bytes on the wire. An answer with less room left than that may have been cut to fit. */
const LARGEST_HOST_BYTES = 600;

/**
 * Gives a RouteCache its time and its way to the agent. The timer runs only while there are modules, and never keeps a process alive; the
 * turn of the event loop at whose end a failure is sent does, so that none is lost to the end of the process.
 */
export class CacheDriver {
  readonly cache: RouteCache;
  readonly #surroundings: DriverSurroundings;
  #timer: NodeJS.Timeout | undefined;
  #askTimer: NodeJS.Timeout | undefined;
  #turn = 0;
  #turns = 1;
  #turnEnd: NodeJS.Immediate | undefined;

  constructor(surroundings: DriverSurroundings) {
    this.#surroundings = surroundings;
    const { nowMs, random, channelOf, counters } = surroundings;
    this.cache = new RouteCache(
      {
        sendBatch: (modid, cmdid, results) => {
          counters.batches += 1;
          channelOf(modid, cmdid).reportBatch({ modid, cmdid, results: [...results], fromCopy: true });
        },
        askRoute: (module, version) => {
          counters.refreshes += 1;
          const { modid, cmdid } = module;
          channelOf(modid, cmdid).refresh(modid, cmdid, version, ANSWER_TIMEOUT_MS, (answer, bytes) => {
            if (answer === undefined) module.onNoRoute(nowMs());
            else module.onRoute(answer, bytes <= MAX_DATAGRAM_BYTES - LARGEST_HOST_BYTES, nowMs());
          });
        },
        hurrySoon: () => {
          this.#turnEnd = setImmediate(() => this.cache.hurry(nowMs()));
        },
        askSoon: () => {
          this.#askTimer = setTimeout(() => this.cache.askAgain(nowMs()), HASTE_MS).unref();
        },
      },
      random,
    );
  }

  /** To be called before the agent is asked for a host. */
  beforeAsking(modid: number, cmdid: number): void {
    this.cache.beforeAsking(modid, cmdid, this.#surroundings.nowMs());
    this.#timer ??= setTimeout(this.#onTurn, TICK_MS).unref();
  }

  /** Sends all that is held. Nothing is sent later. */
  close(): void {
    this.cache.flushAll();
    this.#stop();
    clearImmediate(this.#turnEnd);
  }

  readonly #onTurn = (): void => {
    if (this.#turn === 0) this.#turns = this.cache.turns;
    this.cache.onTime(this.#surroundings.nowMs(), this.#turn, this.#turns);
    this.#turn = this.cache.isIdle ? 0 : (this.#turn + 1) % this.#turns;
    this.#timer = this.cache.isIdle ? undefined : setTimeout(this.#onTurn, TICK_MS / this.#turns).unref();
  };

  #stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#askTimer);
    this.#timer = undefined;
  }
}
