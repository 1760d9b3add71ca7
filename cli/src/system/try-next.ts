// pure
import type { ConfFolder } from './conf-folder.ts';

export interface TryNextFacts {
  readonly folder: ConfFolder;
  /** 'HOST:PORT,PORT,PORT' where the conf file leaves the ports to the system. */
  readonly pickedAgent: string | undefined;
  /** The address of the agent's health, likewise. */
  readonly pickedHealth: string | undefined;
}

/** Three lines that show a new system at work; they name the folder and port that are needed to find it. */
export function tryNext({ folder, pickedAgent, pickedHealth }: TryNextFacts): readonly string[] {
  const where = folder.isStandard ? '' : ` --conf-dir ${quoted(folder.path)}`;
  const agent = pickedAgent === undefined ? where : ` --agent ${pickedAgent}`;
  const health = pickedHealth === undefined ? `npx lars status${where}` : `curl ${pickedHealth}`;
  return [`npx lars route add 1/1 127.0.0.1:9001${where}`, `npx lars gethost 1 1${agent}`, health];
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
