// pure
import { isInt32, type ModuleId } from '@lars/proto';

const NAME = /^(-?\d{1,10})-(-?\d{1,10})\.lars$/i;

/** @returns the module that a name such as '1-2.lars' stands for; undefined where it stands for none */
export function readLarsName(name: string): ModuleId | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [modid, cmdid] = [Number(match[1]), Number(match[2])];
  return isInt32(modid) && isInt32(cmdid) ? { modid, cmdid } : undefined;
}
