import { setTimeout as sleep } from 'node:timers/promises';
import { below, pick } from '../../../test/support/fuzz.ts';
import { MODIDS } from '../caller-messages.ts';
import type { BusinessHost } from '../hosts.ts';
import { FAULT_MS, type Fault, type FaultWorld } from './fault.ts';

/** A caller picks from a copy that is up to 2 s old; a host that is drained for longer is called no more. */
const DRAIN_MS = 4_000;
const CHANGES = 4;
const SLOW_MS = 300;

export const ROUTE_FAULTS: readonly Fault[] = [
  {
    kind: 'change-routes',
    text: 'a host added; hosts drained, called again and weighted at random; the host drained and removed',
    allowance: 'none',
    async run({ system, hosts, spareHost, round, random }) {
      const module = `${pick(MODIDS, random)}/${round}`;
      await system.route(['add', module, spareHost.address]);
      for (let changes = 0; changes < CHANGES; changes++) {
        const { address } = pick(hosts, random);
        if (random() < 0.5) {
          await system.route(['add', module, address, '--weight', String(50 + below(150, random))]);
        } else {
          await system.route(['drain', module, address]);
          await sleep(below(1_000, random));
          await system.route(['drain', module, address, '--off']);
        }
      }
      await system.route(['drain', module, spareHost.address]);
      await sleep(DRAIN_MS);
      await system.route(['remove', module, spareHost.address]);
    },
  },
  hostFault('host-dies', 'one host of four refuses connections for 3 s', async host => {
    await host.stop();
    await sleep(FAULT_MS);
    await host.start();
  }),
  hostFault('host-errs', 'one host of four answers with errors for 3 s', async host => {
    host.errs = true;
    await sleep(FAULT_MS);
    host.errs = false;
  }),
  hostFault('host-slow', `one host of four takes ${SLOW_MS} ms for 3 s`, async host => {
    const { delayMs } = host;
    host.delayMs = SLOW_MS;
    await sleep(FAULT_MS);
    host.delayMs = delayMs;
  }),
];

function hostFault(kind: string, text: string, act: (host: BusinessHost) => Promise<void>): Fault {
  return { kind, text, allowance: 'none', run: ({ hosts, random }: FaultWorld) => act(pick(hosts, random)) };
}
