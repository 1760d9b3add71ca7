import { setTimeout as sleep } from 'node:timers/promises';
import { below, pick } from '../../../test/support/fuzz.ts';
import type { Allowance } from '../promises.ts';
import type { Service } from '../service.ts';
import type { SoakSystem } from '../system.ts';
import { FAULT_MS, type Fault } from './fault.ts';

type Find = (system: SoakSystem) => Service | undefined;

const SERVICES: readonly { readonly name: string; readonly find: Find }[] = [
  { name: 'agent', find: ({ agent }) => agent },
  ...[0, 1].map(at => ({ name: `dnsserver-${at + 1}`, find: ({ dnsservers }: SoakSystem) => dnsservers[at] })),
  ...[0, 1].map(at => ({ name: `reporter-${at + 1}`, find: ({ reporters }: SoakSystem) => reporters[at] })),
];

const MAX_AWAY_MS = 2_000;

const kills = serviceFaults(
  'kill',
  'kill -9, started again after up to 2 s',
  async (service, random) => {
    await service.kill();
    await sleep(below(MAX_AWAY_MS, random));
    await service.start();
  },
  'killed agent',
);

const restarts = serviceFaults(
  'restart',
  'SIGTERM, started again after up to 2 s',
  async (service, random) => {
    await service.stop();
    await sleep(below(MAX_AWAY_MS, random));
    await service.start();
  },
  'stopped agent',
);

const freezes = serviceFaults(
  'freeze',
  'SIGSTOP, SIGCONT after 3 s',
  async service => {
    service.signal('SIGSTOP');
    try {
      await sleep(FAULT_MS);
    } finally {
      service.signal('SIGCONT');
    }
  },
  'none',
);

export const PROCESS_FAULTS: readonly Fault[] = [
  ...kills,
  ...restarts,
  ...freezes,
  {
    kind: 'rolling-restart',
    text: 'all five services restarted one after the other',
    allowance: 'stopped agent',
    async run({ system }) {
      for (const service of system.services) {
        await service.stop();
        await service.start();
      }
    },
  },
  {
    kind: 'hangup',
    text: 'SIGHUP to all services, three times',
    allowance: 'none',
    async run({ system }) {
      for (let times = 0; times < 3; times++) {
        for (const service of system.services) service.signal('SIGHUP');
        await sleep(FAULT_MS / 3);
      }
    },
  },
  {
    kind: 'unread-log',
    text: 'nobody reads the log of one service, which is sent SIGHUP all the while',
    allowance: 'none',
    async run({ system, random }) {
      const service = pick(system.services, random);
      service.pauseLog();
      try {
        // Each writes two lines into the log: some hundred KB in all, more than a pipe takes.
        for (const endMs = performance.now() + FAULT_MS; performance.now() < endMs; await sleep(1)) service.signal('SIGHUP');
      } finally {
        service.resumeLog();
      }
    },
  },
];

/** The same fault of each service. @param ofAgent what it may cost where it is the agent's */
function serviceFaults(
  verb: string,
  text: string,
  act: (service: Service, random: () => number) => Promise<void>,
  ofAgent: Allowance,
): readonly Fault[] {
  return SERVICES.map(({ name, find }) => ({
    kind: `${verb}-${name}`,
    text: `${name}: ${text}`,
    allowance: name === 'agent' ? ofAgent : 'none',
    async run({ system, random }) {
      const service = find(system);
      if (service === undefined) throw new Error(`the system has no ${name}`);
      await act(service, random);
    },
  }));
}
