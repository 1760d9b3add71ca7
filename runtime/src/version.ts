import { readFileSync } from 'node:fs';

/** The version of the installed packages, as package.json tells it. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
