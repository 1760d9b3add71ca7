/** node:timers/promises for simulated processes. */
import { currentProcess, kernel } from './kernel.ts';

const laterAs = <T>(delayMs: number, value: T): Promise<T> =>
  new Promise(resolve => kernel.schedule(delayMs, currentProcess(), () => resolve(value)));

const setTimeout = <T>(delayMs = 1, value?: T): Promise<T | undefined> => laterAs(Math.max(1, delayMs), value);
const setImmediate = <T>(value?: T): Promise<T | undefined> => laterAs(0, value);

export { setImmediate, setTimeout };
