import { routeKey } from '@lars/proto';
import { expect, test } from 'vitest';
import { keptFileOf, writeKept } from '../../../../dnsserver/src/follow/kept-file.ts';
import { historyWorld } from '../history/history-world.ts';

const A = { host: '10.0.0.1:80' };
const B = { host: '10.0.0.2:80' };

test('a change after which all hosts of a module drain is to be confirmed, whichever it is', async () => {
  const w = await historyWorld();
  await w.editor.add(1, 1, [A, B]);
  await w.editor.setDrain(1, 1, [A.host], true);
  const { revision } = await w.editor.setDrain(1, 1, [A.host], false);
  await w.editor.setDrain(1, 1, [B.host], true);
  const asking = await w.open({ asksToConfirm: true });
  const drained = { modid: 1, cmdid: 1, ...A, drain: true };
  for (const result of [
    await asking.setDrain(1, 1, [A.host], true),
    await asking.setDrain(1, 1, [A.host, B.host], true),
    await asking.remove(1, 1, [A.host]),
    await asking.undo(revision),
    await asking.import([drained], 'add'),
    await asking.import([drained], 'apply'),
  ])
    expect(result.preview?.whyConfirm).toBe('module 1/1 would have no host any more that takes calls');
});

test('one that drains a host beside others, or hosts of a module that had none to call, is not', async () => {
  const w = await historyWorld();
  await w.editor.add(1, 1, [A, B]);
  const asking = await w.open({ asksToConfirm: true });
  expect((await asking.setDrain(1, 1, [A.host], true)).preview).toBeUndefined();
  await w.editor.setDrain(1, 1, [B.host], true);
  expect((await asking.remove(1, 1, [A.host])).preview).toBeUndefined();
  expect((await asking.add(2, 1, [{ ...A, drain: true }])).preview).toBeUndefined();
});

test('replacing and pruning confirm the table also where it is as wanted, and ask where kept hosts go by that', async () => {
  const w = await historyWorld();
  await w.editor.add(1, 1, [A]);
  const entry = { modid: 1, cmdid: 1, ...A };
  expect(await w.editor.import([entry], 'replace')).toMatchObject({ revision: 1 });
  const host = { ip: 0x0a000009, port: 80, weight: 0, addr: '', zone: '', drain: false };
  const modules = new Map([[routeKey(3, 1), { modid: 3, cmdid: 1, hosts: [host] }]]);
  await writeKept(keptFileOf(w.file), { kept: { modules, sinceMs: 1, total: 1, returned: 0 }, lastEdit: 0 }, 1);
  const clearMarks = () => w.sql.prepare('SELECT count(*) FROM RouteEdit WHERE modid IS NULL').pluck().get();
  const before = clearMarks();
  const asking = await w.open({ asksToConfirm: true });
  for (const mode of ['replace', 'prune'] as const) {
    const { preview, revision } = await asking.import([entry], mode);
    expect([preview?.whyConfirm, revision]).toEqual(['1 host that the removal guard keeps would go', 1]);
  }
  expect(clearMarks()).toBe(before);
  expect((await asking.import([entry, { modid: 3, cmdid: 1, host: '10.0.0.9:80' }], 'replace')).preview).toBeUndefined();
  expect(await w.editor.import([entry], 'replace')).toMatchObject({ removed: 1 });
  const { revision } = await w.editor.import([entry], 'replace');
  expect(revision).toBe(4);
  expect(clearMarks()).toBe(Number(before) + 3);
});
