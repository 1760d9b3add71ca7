import { hash } from 'node:crypto';

/**
 * What the database has of an agent's name. Who knows the name can send reports under it, so whoever may read the database, or a backup of it, must
 * not learn it there. A name has so many random bits that its hash cannot be turned back by trying.
 */
export function storedAgent(agent: string): string {
  return hash('sha256', agent);
}
