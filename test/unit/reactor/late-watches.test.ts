import { expect, test } from 'vitest';
import { LateWatches } from '../../../reactor/src/uring/late-watches.ts';

test('each is taken once, at the third wait after it was added, in order', () => {
  const late = new LateWatches();
  const taken: string[] = [];
  for (let wait = 0; wait < 8; wait++) {
    if (wait < 4) {
      late.add(wait, 1);
      late.add(wait + 100, 2);
    }
    late.takeDue((fd, generation) => taken.push(`${fd}/${generation}@${wait}`));
  }
  expect(taken).toEqual(['0/1@2', '100/2@2', '1/1@3', '101/2@3', '2/1@4', '102/2@4', '3/1@5', '103/2@5']);
});
