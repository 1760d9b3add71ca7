/** Numbers that no module has do not use up what real modules need. */
import { ReturnCode } from '@lars/proto';
import { afterEach, expect, test } from 'vitest';
import { hostInfo } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { CleanUps, startWorld } from './agent-world.ts';

const REAL = { modid: 3, cmdid: 0 };
const UNKNOWN = 80_000;
const BATCH = 100;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test('after tens of thousands of unknown modules the agent connects anew without them, and changes of the real ones come', async () => {
  const { dns, asker, recording } = await startWorld(cleanUps, 'ours');
  dns.setRoute(REAL.modid, REAL.cmdid, [hostInfo(1)]);
  expect((await asker.getHost(REAL)).retcode).toBe(ReturnCode.Success);
  for (let modid = 100; modid < 100 + UNKNOWN; modid += BATCH) {
    const answered = asker.answers;
    for (let i = 0; i < BATCH; i++) asker.ask({ modid: modid + i, cmdid: 1 });
    // The system may drop some answers.
    await eventually('they are answered', () => asker.answers >= answered + 0.8 * BATCH);
  }
  await eventually('it connects anew', () => recording.events().some(event => event.includes('do not exist')));
  // Where the machine is slow it connects anew while some are still asked for.
  await eventually('the real module is subscribed to, and few others', () => {
    const subscribed = dns.subscribed();
    return subscribed.includes('3/0') && subscribed.length < UNKNOWN / 2;
  });
  dns.setRoute(REAL.modid, REAL.cmdid, [hostInfo(2)]);
  await eventually('its change has come', async () => (await asker.getHost(REAL)).host?.port === 2);
}, 90_000);
