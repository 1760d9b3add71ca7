// pure
/** A module as all parts of the system name it. */
export interface ModuleId {
  readonly modid: number;
  readonly cmdid: number;
}

/** How many UDP servers an agent has; server i owns the modules with shardOf(modid, cmdid) = i. */
export const SHARD_COUNT = 3;

/**
 * The one shard that owns a module: the mathematical (modid + cmdid) mod 3, so 0, 1 or 2 for negative sums too.
 * Both are int32; their sum is exact in a double, so nothing wraps.
 */
export function shardOf(modid: number, cmdid: number): number {
  return (((modid + cmdid) % SHARD_COUNT) + SHARD_COUNT) % SHARD_COUNT;
}

/** Identifies a module in a Map; see routeKey. */
export type RouteKey = string | number;

const CMDID_SPAN = 2 ** 32;
const CMDID_OFFSET = 2 ** 31;
const MODID_EXACT = 2 ** 20;
const SMALL_MODID = 0x7fff;
const SMALL_CMDID = 0xffff;

/**
 * The key of a module in a Map. A number where 53 bits suffice (every modid seen in practice), a string beyond, so that
 * all pairs of int32 have different keys. Small ids, which most are, have a key of 31 bits: V8 finds that one in half the time,
 * and keeps it without an object.
 */
export function routeKey(modid: number, cmdid: number): RouteKey {
  if ((modid & SMALL_MODID) === modid && (cmdid & SMALL_CMDID) === cmdid) return (modid << 16) | cmdid;
  if (modid >= MODID_EXACT || modid < -MODID_EXACT) return `${modid}/${cmdid}`;
  // The small keys lie in the gap between the modules of modid -1 and those of modid 0.
  return (modid < 0 ? modid : modid + 1) * CMDID_SPAN + (cmdid + CMDID_OFFSET);
}

/** A module as people write it: 1/2. */
export function formatModule(modid: number, cmdid: number): string {
  return `${modid}/${cmdid}`;
}

/** The reverse of formatModule; undefined when the text is no module. */
export function parseModule(text: string): ModuleId | undefined {
  const [, first, second] = /^(-?[0-9]+)\/(-?[0-9]+)$/.exec(text) ?? [];
  const [modid, cmdid] = [Number(first) + 0, Number(second) + 0];
  return isInt32(modid) && isInt32(cmdid) ? { modid, cmdid } : undefined;
}

export const INT32_MIN = -(2 ** 31);
export const INT32_MAX = 2 ** 31 - 1;

export function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= INT32_MIN && value <= INT32_MAX;
}
