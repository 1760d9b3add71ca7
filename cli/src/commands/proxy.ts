import { type Command, Option } from 'commander';
import { parseHttpAddress } from '../arguments/host.ts';
import type { Shell } from '../shell.ts';
import { confFileIn } from '../system/conf-folder.ts';
import { runDetached } from '../system/run-detached.ts';
import { confFolderOf, detachOption } from './options.ts';

interface ProxyOptions {
  readonly conf?: string;
  readonly listen?: readonly string[];
  readonly takeover: boolean;
  readonly detach: boolean;
  readonly printConf?: true;
}

const EXAMPLES = `
Accepts TCP connections and passes each on to a host of a module, which the agent picks: bytes flow both ways until both sides
have closed. ADDRESS is IP:PORT, [IPV6]:PORT or unix:PATH. Without --conf it reads conf/proxy.ini if there is one. With --json, one
line {"event": "ready", ...} tells the ports once it serves. Ctrl-C (or SIGTERM) accepts nothing new and lets connections end for a
while ([proxy] drain_time); a second one does not wait. docs/proxy.md has the rest.

A new version, or a changed conf, is started with --takeover: it gets the listening sockets of the proxy that runs, with all connections that wait
in them, by way of the conf's [proxy] takeover_socket. Nobody is refused. The old one lets its connections end ([proxy] takeover_drain_time), and
ends. When the new one fails before it accepts, the old one goes on. With --detach it runs in the background, and the command returns when it
accepts: systemd reloads its unit so. Sockets of systemd (LISTEN_FDS) that are at a listener's place are used too.

Examples:
  lars proxy --listen 127.0.0.1:3306=10/1
  lars proxy --listen 127.0.0.1:3306=10/1 --listen unix:/run/redis.sock=10/2
  lars proxy --conf /etc/lars/proxy.ini
  lars proxy --takeover --conf /etc/lars/proxy.ini
  lars proxy --print-conf > conf/proxy.ini
  lars proxy status
`;

const STATUS_EXAMPLES = `
Shows a running proxy of this machine: listeners, the hosts that were picked since its start, and what came of the connections.

Examples:
  lars proxy status
  lars proxy status --conf /etc/lars/proxy.ini
  lars proxy status --http 127.0.0.1:7783 --json
`;

/** `lars proxy`: connections to the hosts of modules, and `lars proxy status`. */
export function addProxy(program: Command, shell: Shell): void {
  const proxy = program
    .command('proxy')
    .description('run the proxy, which passes TCP connections on to hosts that LARS picks')
    .option('--conf <file>', 'the conf file')
    .option('--listen <address=module>', 'listen there, for the hosts of MODID/CMDID; may be given several times', collect)
    .addOption(
      new Option('--takeover', 'take over from the proxy that runs with this conf, if one does; it then ends').default(false),
    )
    .addOption(detachOption())
    .option('--print-conf', 'print a conf file with every key, its default and its meaning')
    .addHelpText('after', EXAMPLES)
    .action(async ({ conf, listen = [], takeover, detach, printConf }: ProxyOptions) => {
      const { printProxySample, runProxy } = await import('../system/run-proxy.ts');
      if (printConf === true) printProxySample(shell);
      else if (detach) shell.exitCode = await runDetached();
      else {
        const path = conf ?? confFileIn(confFolderOf(program), 'proxy.ini');
        shell.exitCode = await runProxy(shell, path, { listen, takesOver: takeover });
      }
    });
  proxy
    .command('status')
    .description('show the listeners, hosts and counters of the running proxy')
    .addOption(
      new Option('--http <host:port>', "the proxy's HTTP address (default: that of the conf file's [http])").argParser(
        parseHttpAddress,
      ),
    )
    .addHelpText('after', STATUS_EXAMPLES)
    .action(async ({ http }: { readonly http?: string }) => {
      const [{ askProxy, configuredProxyHttp }, { proxyText }] = await Promise.all([
        import('../system/ask-proxy.ts'),
        import('../output/proxy-table.ts'),
      ]);
      const { conf = confFileIn(confFolderOf(program), 'proxy.ini') } = proxy.opts<ProxyOptions>();
      const status = await askProxy(http ?? configuredProxyHttp(conf));
      shell.print(status, () => proxyText(status, shell.paint));
    });
}

function collect(one: string, all: readonly string[] = []): readonly string[] {
  return [...all, one];
}
