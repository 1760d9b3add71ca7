import { expect, test } from 'vitest';
import { LateWatches } from '../../../reactor/src/uring/late-watches.ts';
import { Watch } from '../../../reactor/src/uring/under-way.ts';

test('each is taken once, at the third wait after it was added, in order', () => {
  const late = new LateWatches();
  const taken: string[] = [];
  for (let wait = 0; wait < 8; wait++) {
    if (wait < 4) {
      late.add(new Watch(wait, 1));
      late.add(new Watch(wait + 100, 1));
    }
    late.takeDue(({ fd }) => taken.push(`${fd}@${wait}`));
  }
  expect(taken).toEqual(['0@2', '100@2', '1@3', '101@3', '2@4', '102@4', '3@5', '103@5']);
});
