import type { Disk } from './disk.ts';
import type { SimulatedProcess } from './process.ts';

/** Who has a port: a socket of this process. */
export interface Bound {
  readonly process: SimulatedProcess;
}

/** A machine: its address, its disk, its clock, and who listens on its ports. */
export class Machine {
  readonly name: string;
  readonly ip: string;
  readonly disk: Disk;
  readonly udp = new Map<number, Bound>();
  readonly tcp = new Map<number, Bound>();
  /** How far its wall clock is off. */
  clockOffsetMs = 0;

  constructor(name: string, ip: string, disk: Disk) {
    this.name = name;
    this.ip = ip;
    this.disk = disk;
  }
}
