import type { HandlerFactory, ReactorContext } from '@lars/reactor';
import { answer, MESSAGE_BYTES } from './answer.ts';

export function createHandler({ thread }: Pick<ReactorContext, 'thread'>): HandlerFactory {
  return () => {
    let missing = MESSAGE_BYTES;
    let costMs = 0;
    return {
      onData: (connection, bytes) => {
        if (missing === MESSAGE_BYTES) costMs = bytes[0] as number;
        missing -= bytes.length;
        if (missing > 0) return;
        missing = MESSAGE_BYTES;
        connection.write(answer(costMs, thread));
      },
    };
  };
}
