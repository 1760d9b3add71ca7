export { createEngine, type EngineDeps, type EngineOptions } from './create-engine.ts';
export { Descriptors, loadDescriptors, type SendOutcome } from './descriptors/descriptors.ts';
export * from './engine.ts';
