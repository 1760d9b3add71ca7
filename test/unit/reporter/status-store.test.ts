import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import { statusStoreContract } from './status-store-contract.ts';
import { temporaryFile } from './temporary-file.ts';

statusStoreContract('memory', () => new MemoryStatusStore());
statusStoreContract('SQLite', () => openSqliteStatusStore({ file: temporaryFile('lars.db'), confKey: '[database] file' }));
