import { expect, test } from 'vitest';
import { type StoryTime, tellStory } from '../../../examples/demo/story.ts';

const phase = (name: string, told: string[], seconds = 0) => ({
  name,
  seconds,
  begin: async () => {
    told.push(`${name} begins`);
  },
});

test('each phase is shown at least once after it has begun, however late the process is', async () => {
  const told: string[] = [];
  const onTick = (time: StoryTime) => told.push(`${time.phase} is shown`);
  await tellStory([phase('one', told), phase('two', told)], { signal: new AbortController().signal, onTick });
  expect(told).toEqual(['one begins', 'one is shown', 'two begins', 'two is shown']);
});

test('after the signal nothing more begins', async () => {
  const told: string[] = [];
  const controller = new AbortController();
  await tellStory([phase('one', told, 3_600), phase('two', told)], {
    signal: controller.signal,
    onTick: () => controller.abort(),
  });
  expect(told).toEqual(['one begins']);
});
