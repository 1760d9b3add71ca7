/** Who has something to do when the process ends, or the worker thread in which it runs. */
export interface EndObserver {
  /** Nothing is left to do for the process; what is begun now is still waited for. */
  onBeforeExit(): void;
  /** The process ends. Only what is done before this returns is done. */
  onExit(): void;
}

const observers = new Set<EndObserver>();
const onBeforeExit = () => {
  for (const observer of observers) observer.onBeforeExit();
};
const onExit = () => {
  for (const observer of observers) observer.onExit();
};

/** One listener for all observers: Node.js takes more than a few for a leak. */
export function observeProcessEnd(observer: EndObserver): void {
  if (observers.size === 0) {
    process.on('beforeExit', onBeforeExit);
    process.on('exit', onExit);
  }
  observers.add(observer);
}

export function ignoreProcessEnd(observer: EndObserver): void {
  observers.delete(observer);
  if (observers.size > 0) return;
  process.off('beforeExit', onBeforeExit);
  process.off('exit', onExit);
}
