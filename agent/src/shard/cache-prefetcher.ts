// pure
import { HEADER_BYTES, MessageId, type ModuleId, readMessageId } from '@lars/proto';
import { GetHostRequestView, ReportRequestView } from '@lars/proto/in-place/decode';
import { type ModuleBalancer, PREFETCH_STEPS } from '../balancer/balancer.ts';
import type { BatchPrefetcher } from '../udp/transport.ts';
import type { ActiveModule, ModuleTable } from './module-table.ts';

/** Fewer modules stay in the CPU's cache without help. */
const MIN_MODULES = 3_000;

/**
 * Brings what the datagrams of a batch will need into the CPU's cache before they are handled. What is known of a module lies in a dozen
 * places that point to one another, and with a hundred thousand modules each is a wait for the memory. The memory serves ten waits at once
 * if they do not depend on each other: so all datagrams take the first step together, then the second, and so on. (Group prefetching,
 * known from the joins of databases.)
 */
export class CachePrefetcher implements BatchPrefetcher {
  readonly #modules: ModuleTable<unknown>;
  readonly #getHost = new GetHostRequestView();
  readonly #report = new ReportRequestView();
  // Of the datagrams of this batch; behind the count stands what earlier batches have left.
  readonly #modids: number[] = [];
  readonly #cmdids: number[] = [];
  readonly #found: (ActiveModule | undefined)[] = [];
  readonly #balancers: (ModuleBalancer | undefined)[] = [];
  #count = 0;
  /** Sum of all values touched. It only keeps the JIT from removing the loads. */
  #sum = 0;

  constructor(modules: ModuleTable<unknown>) {
    this.#modules = modules;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.#modules.activeCount < MIN_MODULES) return;
    const id = readMessageId(bytes, start);
    const body = start + HEADER_BYTES;
    if (id === MessageId.GetHostRequest && this.#getHost.decode(bytes, body, end)) this.#addModule(this.#getHost);
    else if (id === MessageId.ReportRequest && this.#report.decode(bytes, body, end)) this.#addModule(this.#report);
  }

  prefetch(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    // Each loop is so short that the CPU is several rounds ahead of the memory.
    for (let i = 0; i < count; i++)
      this.#found[i] = this.#modules.findActive(this.#modids[i] as number, this.#cmdids[i] as number);
    for (let i = 0; i < count; i++) this.#balancers[i] = this.#found[i]?.balancer;
    for (let step = 0; step < PREFETCH_STEPS; step++) {
      for (let i = 0; i < count; i++) this.#sum = (this.#sum + (this.#balancers[i]?.prefetch(step) ?? 0)) | 0;
    }
  }

  #addModule({ modid, cmdid }: ModuleId): void {
    this.#modids[this.#count] = modid;
    this.#cmdids[this.#count] = cmdid;
    this.#count += 1;
  }
}
