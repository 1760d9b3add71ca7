/** What the load generator sends and gets back. */
export const MESSAGE_BYTES = 64;

/** The answer to a request. @param costMs how long the request keeps its thread computing. @param worker who answers: its lowest byte is told */
export function answer(costMs: number, worker: number): Uint8Array {
  const untilMs = performance.now() + costMs;
  while (performance.now() < untilMs);
  const bytes = new Uint8Array(MESSAGE_BYTES);
  bytes[0] = worker;
  return bytes;
}
