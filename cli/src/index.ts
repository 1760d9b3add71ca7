/** A whole LARS system inside a process: for tests, examples, and programs that embed it. */
export { connectable } from './system/connectable.ts';
export {
  type RunningSystem,
  type ServiceName,
  type StartSystemOptions,
  type SystemConfigs,
  startSystem,
} from './system/start-system.ts';
