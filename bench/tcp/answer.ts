/** What the load generator sends and gets back. */
export const MESSAGE_BYTES = 64;

const answers: Uint8Array[] = [];

/**
 * The answer to a request, the same every time.
 * @param costMs how long the request keeps its thread computing
 * @param worker who answers: its lowest byte is told
 */
export function answer(costMs: number, worker: number): Uint8Array {
  // Only who computes looks at the clock: each look would count against a server that does nothing but answer.
  if (costMs > 0) compute(costMs);
  const told = worker & 0xff;
  answers[told] ??= newAnswer(told);
  return answers[told];
}

function compute(costMs: number): void {
  const untilMs = performance.now() + costMs;
  while (performance.now() < untilMs);
}

function newAnswer(worker: number): Uint8Array {
  const bytes = new Uint8Array(MESSAGE_BYTES);
  bytes[0] = worker;
  return bytes;
}
