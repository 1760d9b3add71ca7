import { recordLogger } from '@lars/runtime/log';
import { describe, expect, test } from 'vitest';
import { bufferLog } from '../../../cli/src/system/buffered-log.ts';

function bufferedLog() {
  const written: string[] = [];
  const buffered = bufferLog(
    recordLogger(({ level, event, fields }) => written.push(`${level} ${event} ${JSON.stringify(fields)}`)),
  );
  return { ...buffered, written };
}

describe('a buffered log', () => {
  test('writes nothing until it is released, then all in order, then at once', () => {
    const { log, release, written } = bufferedLog();
    log.info('one', { n: 1 });
    log.child({ thread: 'dns' }).warn('two');
    expect(written).toStrictEqual([]);
    release();
    expect(written).toStrictEqual(['info one {"n":1}', 'warn two {"thread":"dns"}']);
    log.error('three');
    expect(written).toHaveLength(3);
    release();
    expect(written).toHaveLength(3);
  });

  test('does not buffer without end', () => {
    const { log, written } = bufferedLog();
    for (let i = 0; i < 1_001; i++) log.info(`event ${i}`);
    expect(written).toHaveLength(1_001);
    expect(written[1_000]).toBe('info event 1000 {}');
  });
});
