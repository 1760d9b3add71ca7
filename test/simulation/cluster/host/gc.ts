/** Stands for runtime/src/gc.ts: a collection takes real time, and is none of the product's behaviour. */
export function exposeGc(): void {}
export function scheduleGc(): void {}
