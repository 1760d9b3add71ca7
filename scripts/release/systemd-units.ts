// pure
/** The systemd units of the .deb. */

interface Unit {
  /** 'agent'; 'dispatch@' is a template, of which each program has an instance. */
  readonly service: string;
  readonly does: string;
  /** Behind `lars`. */
  readonly command?: string;
  /** What `systemctl reload` runs; SIGHUP by default. */
  readonly reload?: string;
  /** Longer than the service takes to stop when all goes ill. */
  readonly stopSeconds: number;
  /** Further lines of its [Service]. */
  readonly more?: readonly string[];
}

const UNITS: readonly Unit[] = [
  { service: 'agent', does: 'tells business code which host to call', stopSeconds: 20 },
  { service: 'dnsserver', does: 'has the routes and pushes their changes', stopSeconds: 10 },
  { service: 'reporter', does: 'keeps the call statistics', stopSeconds: 10 },
  {
    service: 'proxy',
    does: 'passes TCP connections on to hosts that LARS picks',
    // Beyond drain_time.
    stopSeconds: 60,
    // A new process takes over, with the conf of now; the one before says so, and may end later.
    reload: '/usr/bin/lars proxy --takeover --detach --conf /etc/lars/proxy.ini',
    more: ['NotifyAccess=exec', 'RuntimeDirectory=lars-proxy'],
  },
  {
    service: 'dispatch@',
    does: 'gives the connections of %i to its worker processes',
    command: 'dispatch $OPTIONS',
    stopSeconds: 60,
    // The workers are told to drain by the dispatcher, not by systemd.
    more: [
      'NotifyAccess=exec',
      'EnvironmentFile=/etc/lars/dispatch-%i.env',
      'KillMode=mixed',
      'RuntimeDirectory=lars-dispatch-%i',
    ],
  },
];

/** V8 makes code at run time, so MemoryDenyWriteExecute cannot be; the agent asks for the machine's addresses, so AF_NETLINK must be. */
const HARDENING = `CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateTmp=yes
PrivateUsers=yes
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM`;

/** The text of each unit by its file name. */
export function systemdUnits(): ReadonlyMap<string, string> {
  return new Map(UNITS.map(unit => [`lars-${unit.service}.service`, unitText(unit)]));
}

function unitText({
  service,
  does,
  command = `${service} --conf /etc/lars/${service}.ini`,
  reload = '/bin/kill -HUP $MAINPID',
  stopSeconds,
  more = [],
}: Unit): string {
  return `[Unit]
Description=LARS ${service.replace('@', '')}: ${does}
Documentation=man:lars(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart=/usr/bin/lars ${command}
ExecReload=${reload}
WatchdogSec=30
TimeoutStopSec=${stopSeconds}
Restart=on-failure
RestartSec=1
User=lars
Group=lars
WorkingDirectory=/var/lib/lars
StateDirectory=lars
StateDirectoryMode=0750
UMask=0027
LimitNOFILE=65536
${more.map(line => `${line}\n`).join('')}${HARDENING}

[Install]
WantedBy=multi-user.target
`;
}
