// pure
import { INT32_MAX, type ModuleId, shardOf } from '@lars/proto';

/** Modules that follow one another: the cmdids of the first modid, then as many of the next. */
export interface ModuleLayout {
  readonly first: ModuleId;
  readonly modules: number;
  /** Of each module. */
  readonly hosts: number;
}

const COMMANDS_PER_MODID = 1_000;

/** In an order in which neighbours belong to different shards. */
export function modulesOf({ first, modules }: Pick<ModuleLayout, 'first' | 'modules'>): ModuleId[] {
  return Array.from({ length: modules }, (_, at) => ({
    modid: first.modid + Math.floor(at / COMMANDS_PER_MODID),
    cmdid: first.cmdid + (at % COMMANDS_PER_MODID),
  }));
}

/** Whether all of them have ids that the protocol can carry. */
export function fits({ first, modules }: Pick<ModuleLayout, 'first' | 'modules'>): boolean {
  const modids = Math.floor((modules - 1) / COMMANDS_PER_MODID);
  const cmdids = Math.min(modules, COMMANDS_PER_MODID) - 1;
  return first.modid + modids <= INT32_MAX && first.cmdid + cmdids <= INT32_MAX;
}

/** A file for `lars route import`: every module has hosts of the same addresses. */
export function* routesOf(layout: ModuleLayout): Generator<ModuleId & { readonly host: string }> {
  for (const module of modulesOf(layout)) {
    for (let host = 0; host < layout.hosts; host++) yield { ...module, host: `${hostAddress(host)}:${HOST_PORT}` };
  }
}

export const HOST_PORT = 8_080;

/** '10.0.0.1', '10.0.0.2', …: the benchmark never calls them. */
export function hostAddress(index: number): string {
  const number = index + 1;
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

/** The modules of each shard that has any. */
export function modulesByShard(modules: readonly ModuleId[]): ReadonlyMap<number, readonly ModuleId[]> {
  return Map.groupBy(modules, ({ modid, cmdid }) => shardOf(modid, cmdid));
}
