/** A process of its own for sqlite-schema.test.ts: opens the database of argument 1 and adds a host to module ARGUMENT2/1. */
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';

const [file = '', modid = ''] = process.argv.slice(2);
const editor = await openRouteEditor({ file });
await editor.add(Number(modid), 1, [{ host: '10.0.0.1:80' }]);
await editor.close();
process.stdout.write('ready\n');
