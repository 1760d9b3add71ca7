/** Makes the faults of the plan happen, one after the other, at random moments. */
import type { AgentMachine, Cluster } from './cluster.ts';
import { type Fault, logBetween, MAX_HANG_MS } from './faults.ts';
import { setDatabasesFull } from './host/better-sqlite3.ts';
import { type Connection, openConnections } from './host/connection.ts';
import { kernel } from './host/kernel.ts';
import { type NetworkTrouble, network, WELL } from './host/network.ts';
import type { SimulatedProcess } from './host/process.ts';
import type { Killable } from './parts/service.ts';

const HOUR_MS = 3_600_000;

export class FaultDriver {
  readonly #cluster: Cluster;
  #isOver = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    const { faults, faultPauseMs, editPauseMs } = this.#cluster.plan;
    if (faults.length > 0) this.#repeat(faultPauseMs, () => this.#happen(any(faults)));
    this.#repeat(editPauseMs, () => this.#cluster.administrator.edit());
  }

  /** Everything is well from now on, and whoever is down is started. @param down these are not, nor are they running */
  calm(down: readonly Killable[]): void {
    for (const service of down) service.kill('killed');
    const { services, callers, agents, servers } = this.#cluster;
    this.#isOver = true;
    network.heal();
    for (const { name, disk } of servers) {
      disk.heal();
      setDatabasesFull(name, false);
    }
    for (const { machine } of agents) machine.disk.heal();
    for (const service of services) if (!down.includes(service)) this.#startWhenDown(service);
    for (const caller of callers) caller.start();
  }

  #repeat(pauseMs: number, work: () => void): void {
    kernel.schedule(kernel.between(0, 2 * pauseMs), undefined, () => {
      if (this.#isOver) return;
      work();
      this.#repeat(pauseMs, work);
    });
  }

  #happen(fault: Fault): void {
    const at = any(this.#cluster.agents);
    const forMs = logBetween(50, 12_000);
    kernel.trace(`FAULT ${fault} (${at.machine.name}, ${forMs} ms)`);
    this.#faults[fault](at, forMs);
  }

  /** What each fault does to a machine of an agent, or to the server, and for how long. */
  readonly #faults: Readonly<Record<Fault, (at: AgentMachine, forMs: number) => void>> = {
    'agent killed': ({ agent }, forMs) => this.#kill(agent, forMs),
    'agent power cut': (at, forMs) => this.#cutPower(at, forMs),
    'agent stopped': ({ agent }, forMs) => this.#stop(agent, forMs),
    'caller killed': ({ callers }, forMs) => {
      const caller = any(callers);
      caller.process?.end('killed');
      this.#later(forMs, () => caller.start());
    },
    'dnsserver killed': (_, forMs) => this.#kill(any(this.#cluster.dnsservers), forMs),
    'dnsserver stopped': (_, forMs) => this.#stop(any(this.#cluster.dnsservers), forMs),
    'reporter killed': (_, forMs) => this.#kill(any(this.#cluster.reporters), forMs),
    'reporter stopped': (_, forMs) => this.#stop(any(this.#cluster.reporters), forMs),
    'thread dies': () => any([...this.#cluster.threads])?.end('killed'),
    'process hangs': (_, forMs) => this.#hang(Math.min(forMs, MAX_HANG_MS)),
    'network cut': ({ machine }, forMs) => {
      const server = any(this.#cluster.servers);
      network.cut(machine, server);
      this.#later(2 * forMs, () => network.mend(machine, server));
    },
    'connections reset': () => this.#breakConnections(connection => connection.reset()),
    'connections silent': () => this.#breakConnections(connection => connection.silence()),
    'datagrams troubled': (_, forMs) =>
      this.#troubleNetwork(forMs, { udpLossShare: some(0.5), udpDuplicateShare: some(0.3), udpDelayMs: logBetween(1, 500) }),
    'streams troubled': (_, forMs) =>
      this.#troubleNetwork(forMs, { isInPieces: true, tcpDelayMs: logBetween(1, 2_000), windowBytes: logBetween(10, 10_000) }),
    'disk troubled': ({ machine: { disk } }, forMs) => {
      disk.trouble = { failShare: kernel.chance(0.3) ? 1 : some(0.5), slowMs: logBetween(2, 3_000) };
      this.#later(forMs, () => disk.heal());
    },
    'database full': (_, forMs) => {
      const set = (isFull: boolean) => {
        for (const { name } of this.#cluster.servers) setDatabasesFull(name, isFull);
      };
      set(true);
      this.#later(forMs, () => set(false));
    },
    // Whoever waits for it tries again two hundred times a second.
    'database locked': (_, forMs) => this.#cluster.administrator.lock(Math.min(forMs, 600)),
    'clock jumps': ({ machine }) => {
      const offsetMs = kernel.between(-1, 1) * HOUR_MS;
      for (const jumping of kernel.chance(0.5) ? this.#cluster.servers : [machine]) jumping.clockOffsetMs = offsetMs;
    },
    'routes burst': () => this.#cluster.administrator.burst(),
    'routes lost': () => this.#cluster.administrator.lose(this.#cluster.dnsservers.some(isWell)),
  };

  /** Other troubles of the network stay as they are. */
  #troubleNetwork(forMs: number, trouble: Partial<NetworkTrouble>): void {
    network.trouble = { ...network.trouble, ...trouble };
    const well = Object.fromEntries(Object.keys(trouble).map(key => [key, WELL[key as keyof NetworkTrouble]]));
    this.#later(forMs, () => {
      network.trouble = { ...network.trouble, ...well };
    });
  }

  #kill(service: Killable, downMs: number): void {
    service.kill('killed');
    this.#later(downMs, () => service.start());
  }

  #stop(service: Killable, downMs: number): void {
    service.stop();
    this.#later(downMs, () => this.#startWhenDown(service));
  }

  /** One that is still stopping is started when it has ended. */
  #startWhenDown(service: Killable): void {
    const { process } = service;
    if (process === undefined || !service.isStopping) service.start();
    else process.atEnd(() => kernel.schedule(1, undefined, () => service.start()));
  }

  #cutPower({ machine, agent, callers }: AgentMachine, downMs: number): void {
    agent.kill('power cut');
    for (const caller of callers) caller.process?.end('power cut');
    machine.disk.cutPower();
    this.#later(downMs, () => {
      agent.start();
      for (const caller of callers) caller.start();
    });
  }

  #hang(forMs: number): void {
    const { services, callers, threads } = this.#cluster;
    const processes = [...threads, ...services.map(({ process }) => process), ...callers.map(({ process }) => process)];
    const process = any(processes);
    kernel.trace(`${process?.name} hangs`);
    if (process !== undefined) process.stalledUntilMs = kernel.nowMs + forMs;
  }

  #breakConnections(work: (connection: Connection) => void): void {
    for (const connection of [...openConnections]) if (kernel.chance(0.6)) work(connection);
  }

  #later(delayMs: number, work: () => void): void {
    kernel.schedule(delayMs, undefined, () => {
      if (!this.#isOver) work();
    });
  }
}

function isWell({ isUp, process }: { readonly isUp: boolean; readonly process: SimulatedProcess | undefined }): boolean {
  return isUp && process !== undefined && process.goesOnAtMs <= kernel.nowMs;
}

/** None at all as often as not. */
function some(most: number): number {
  return kernel.chance(0.5) ? 0 : kernel.random() * most;
}

function any<Each>(of: readonly Each[]): Each {
  return of[Math.floor(kernel.random() * of.length)] as Each;
}
