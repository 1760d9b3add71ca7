import { expect, test } from 'vitest';
import { AllowList } from '../../../agent/src/udp/allow-list.ts';
import { parseNetworks } from '../../../runtime/src/udp/networks.ts';

function allowList(networks: string) {
  let refused = 0;
  const said: unknown[] = [];
  const list = new AllowList(parseNetworks(networks) ?? [], {
    onRefused: () => {
      refused += 1;
    },
    warn: (event, fields) => said.push([event, fields]),
  });
  return { list, refused: () => refused, said };
}

test('this machine and the networks are allowed, and nobody else', () => {
  const { list, refused } = allowList('10.0.0.0/8, 192.168.1.7');
  const allowed = [0x7f00_0001, 0x7fff_fffe, 0x0a01_0203, 0xc0a8_0107, 0x0a01_0203];
  const others = [0xc0a8_0108, 0x0b00_0000, 0, 0xffff_ffff, 0x8000_0000];
  for (const ip of [...allowed, ...others, ...allowed]) expect([ip, list.allows(ip, 0)]).toEqual([ip, allowed.includes(ip)]);
  expect(refused()).toBe(others.length);
});

test('a refusal is told of once, until there was none for a minute', () => {
  const { list, refused, said } = allowList('10.0.0.0/8');
  for (let second = 0; second < 300; second++) list.allows(0xc0a8_0101 + second, second * 1_000);
  expect(said).toEqual([['datagrams from outside of [udp] allow are dropped', { sender: '192.168.1.1' }]]);
  list.allows(0xc0a8_0101, 358_999);
  expect(said).toHaveLength(1);
  list.allows(0xc0a8_0102, 419_000);
  expect(said).toHaveLength(2);
  expect(refused()).toBe(302);
});
