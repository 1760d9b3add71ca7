/** Tasks of a reactor server's pool. */
export const tasks = {
  /** Blocks its thread until the first cell is not zero. */
  block: (gate: unknown) => {
    Atomics.wait(gate as Int32Array, 0, 0);
    return 'open';
  },
  fail: (input: unknown) => Promise.reject(new Error(`${input} does not work`)),
  die: () => process.exit(1),
};
