import { type Command, Option } from 'commander';
import { parseHttpAddress } from '../arguments/host.ts';
import { type ConfFolder, confFolder } from '../system/conf-folder.ts';
import { DETACH } from '../system/run-detached.ts';

/** The options that every command takes, before or behind its name. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly confDir?: string;
}

/** The .deb's command sets the variable, so that its users need not name /etc/lars. */
export function confDirOption(): Option {
  return new Option('--conf-dir <dir>', 'folder of agent.ini, dnsserver.ini, reporter.ini and proxy.ini (default: conf)').env(
    'LARS_CONF_DIR',
  );
}

/** The options of commands that ask an agent. */
export interface AgentOptions {
  readonly agent?: string;
}

export function agentOption(): Option {
  return new Option(
    '--agent <host:port>',
    "the agent: HOST:PORT (the first of its three), or HOST:PORT,PORT,PORT (default: agent.ini's)",
  );
}

/** The options of commands that ask an agent's HTTP server. */
export interface AgentHttpOptions {
  readonly http?: string;
}

export function agentHttpOption(): Option {
  return new Option('--http <host:port>', "the agent's HTTP address (default: agent.ini's [http])").argParser(parseHttpAddress);
}

/** @throws {UsageError} when the folder that was given does not exist */
export function confFolderOf(program: Command): ConfFolder {
  return confFolder(program.opts<GlobalOptions>().confDir);
}

/** Of services that take over from a running one: whoever has started it, systemd for one, waits until it is ready. */
export function detachOption(): Option {
  return new Option(DETACH, 'run in the background, and return when it is ready').default(false);
}
