import { expect, test } from 'vitest';
import { HandedDescriptors } from '../../../../dnsserver/src/serve/workers/handed-descriptors.ts';

test('a worker that dies leaves what it was handed and has not reported as closed', () => {
  const handed = new HandedDescriptors();
  for (const fd of [7, 8, 9]) handed.add(fd);
  handed.remove(8);
  expect(handed.takeAll()).toEqual([7, 9]);
  expect(handed.takeAll()).toEqual([]);
});

test('a number that is handed over again before its end was reported is open until that of the second is', () => {
  const handed = new HandedDescriptors();
  handed.add(7);
  handed.add(7);
  handed.remove(7);
  expect(handed.takeAll()).toEqual([7]);
  handed.add(7);
  handed.add(7);
  handed.remove(7);
  handed.remove(7);
  expect(handed.takeAll()).toEqual([]);
});
