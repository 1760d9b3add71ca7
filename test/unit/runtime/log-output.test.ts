import { describe, expect, test, vi } from 'vitest';
import { SharedCounters } from '../../../runtime/src/counters.ts';
import { LogOutput, logCounterSet } from '../../../runtime/src/log-output.ts';

/** A reader that takes a number of bytes and no more, or fails. */
function startOutput(maxWaitingBytes: number) {
  const reader = { room: 0, error: '', text: '', attempts: 0 };
  const counters = new SharedCounters(logCounterSet);
  const write = (bytes: Uint8Array) => {
    reader.attempts += 1;
    if (reader.error !== '') throw Object.assign(new Error(reader.error), { code: reader.error });
    if (reader.room === 0) throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' });
    const taken = Buffer.from(bytes.subarray(0, reader.room)).toString();
    reader.room -= taken.length;
    reader.text += taken;
    return taken.length;
  };
  return { reader, counters, output: new LogOutput({ write, maxWaitingBytes, counters }) };
}

describe('a log whose reader', () => {
  test('reads has each line at once', () => {
    const { reader, output } = startOutput(100);
    reader.room = 1_000;
    output.write('one\n');
    expect(reader.text).toBe('one\n');
  });

  test('stops in the middle of a line gets the rest of it, then how many lines are missing, then the youngest', () => {
    vi.useFakeTimers();
    const { reader, output, counters } = startOutput(12);
    reader.room = 2;
    for (let i = 0; i < 10; i++) output.write(`line${i}\n`);
    expect(reader.text).toBe('li');
    expect(counters.get('linesDropped')).toBe(8);
    reader.room = 1_000;
    vi.advanceTimersByTime(2_000);
    expect(reader.text).toBe('line0\n8 lines were dropped\nline9\n');
    output.write('after\n');
    expect(reader.text).toContain('line9\nafter\n');
    vi.useRealTimers();
  });

  test('takes the note about dropped lines byte by byte gets all of it', () => {
    vi.useFakeTimers();
    const { reader, output } = startOutput(12);
    for (let i = 0; i < 10; i++) output.write(`line${i}\n`);
    for (let i = 0; i < 60; i++) {
      reader.room = 1;
      vi.advanceTimersByTime(1_000);
    }
    expect(reader.text).toBe('8 lines were dropped\nline8\nline9\n');
    vi.useRealTimers();
  });
});

test.each(['ENOSPC', 'EPIPE', 'EIO', 'EBADF'])(
  '%s is tried again now and then, and costs a line no attempt of its own',
  error => {
    vi.useFakeTimers();
    const { reader, output, counters } = startOutput(100);
    reader.error = error;
    for (let i = 0; i < 1_000; i++) output.write(`line${i}\n`);
    expect(reader.attempts).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(reader.attempts).toBeLessThan(20);
    expect(counters.get('writeErrors')).toBe(reader.attempts);
    reader.error = '';
    reader.room = 10_000;
    vi.advanceTimersByTime(1_000);
    expect(reader.text).toMatch(/^\d+ lines were dropped\nline\d+\n/);
    expect(reader.text).toMatch(/line999\n$/);
    vi.useRealTimers();
  },
);

test('the last words wait for their reader a moment and no longer', () => {
  const { output } = startOutput(100);
  output.write('last\n');
  const startMs = performance.now();
  output.writeLastWords();
  expect(performance.now() - startMs).toBeLessThan(2_000);
});
