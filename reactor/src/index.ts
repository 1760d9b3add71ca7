export { createEngine, type EngineDeps, type EngineOptions } from './create-engine.ts';
export * from './engine.ts';
