// pure
import { HEADER_BYTES, MessageId, readInt32 } from '@lars/proto';
import { GetHostRequestView } from '@lars/proto/in-place/get-host-request-view';
import { ReportRequestView } from '@lars/proto/in-place/report-request-view';
import { type ExplainingBalancer, READ_STEPS } from '../balancer/balancer.ts';
import type { ModuleId } from '../threads/messages.ts';
import type { ModuleTable, ServingModule } from './module-table.ts';

/** Fewer modules stay in the processor's cache anyway. */
const MIN_MODULES = 3_000;

/**
 * Brings what the datagrams of a batch will need into the processor's cache, before they are handled. What is known of a module lies in a
 * dozen places that name one another, and with a hundred thousand modules each is a wait for the memory. The memory serves ten waits at
 * once if they do not depend on each other: so all datagrams take the first step together, then the second, and so on. (Group prefetching,
 * known from the joins of databases.)
 */
export class ReadAhead {
  readonly #modules: ModuleTable<unknown>;
  readonly #request = new GetHostRequestView();
  readonly #report = new ReportRequestView();
  // Of the batch; behind the count stands what was left by earlier ones.
  readonly #modids: number[] = [];
  readonly #cmdids: number[] = [];
  readonly #found: (ServingModule | undefined)[] = [];
  readonly #balancers: (ExplainingBalancer | undefined)[] = [];
  #count = 0;
  /** Of what was read: a compiler leaves out what nobody uses. */
  #sum = 0;

  constructor(modules: ModuleTable<unknown>) {
    this.#modules = modules;
  }

  /** The datagram bytes[start, end) is one of the batch. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.#modules.servingCount < MIN_MODULES) return;
    const id = readInt32(bytes, start);
    const body = start + HEADER_BYTES;
    if (id === MessageId.GetHostRequest && this.#request.decode(bytes, body, end)) this.#add(this.#request);
    else if (id === MessageId.ReportRequest && this.#report.decode(bytes, body, end)) this.#add(this.#report);
  }

  /** All of the batch were added. */
  run(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    // Each loop is so short that the processor is several rounds ahead of the memory.
    for (let i = 0; i < count; i++) this.#found[i] = this.#modules.serving(this.#modids[i] as number, this.#cmdids[i] as number);
    for (let i = 0; i < count; i++) this.#balancers[i] = this.#found[i]?.balancer;
    for (let step = 0; step < READ_STEPS; step++) {
      for (let i = 0; i < count; i++) this.#sum = (this.#sum + (this.#balancers[i]?.read(step) ?? 0)) | 0;
    }
  }

  #add({ modid, cmdid }: ModuleId): void {
    this.#modids[this.#count] = modid;
    this.#cmdids[this.#count] = cmdid;
    this.#count += 1;
  }
}
