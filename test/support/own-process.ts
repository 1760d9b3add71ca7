import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Their tests look at what a process has only once: its descriptors, its rings, its threads. */
const ROOMS = /^test\/(?:contract|simulation|unit\/(?:reactor|syscalls))\//;

/** What changes or measures the whole process: faked timers and spies, listeners of the process, its memory, its descriptors. */
const WHOLE_PROCESS =
  /\bvi\.(?:use|mock|doMock|stub|reset|spyOn|setSystemTime|hoisted)|\bprocess\.(?:on|once|emit|removeAll|removeListener|chdir|umask|exitCode|memoryUsage|resourceUsage|getActive|env\[)|\/proc\/self|\bgc\(/;

/** Whether the tests in this file must have a process that ran no other file before: others may leave a timer, a socket or garbage behind. */
export function needsOwnProcess(file: string, text: string): boolean {
  return ROOMS.test(file) || WHOLE_PROCESS.test(text);
}

/** Those of the test files, by their paths from `root`. @param pattern a glob */
export function filesWithOwnProcess(root: string, pattern: string): readonly string[] {
  const files = globSync(pattern, { cwd: root }).map(file => file.split(path.sep).join('/'));
  return files.filter(file => needsOwnProcess(file, readFileSync(path.join(root, file), 'utf8')));
}
