// pure
/** The texts that dpkg wants: what the package is. */
import { DEB_NAME, MAINTAINER } from './names.ts';

export interface ControlFacts {
  readonly version: string;
  readonly architecture: string;
  readonly installedKiB: number;
  readonly summary: string;
}

/** Debian's names of the processors that Node's program comes for. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** @throws {Error} for a processor that no .deb is made for */
export function debArchitecture(arch: string): string {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined)
    throw new Error(`no .deb is made for ${arch}, only for ${Object.keys(ARCHITECTURES).join(' and ')}`);
  return architecture;
}

/** What Node's program needs of the system: https://github.com/nodejs/node/blob/main/BUILDING.md#platform-list */
const DEPENDS = 'libc6 (>= 2.28), libstdc++6, passwd';

export function debControl({ version, architecture, installedKiB, summary }: ControlFacts): string {
  return `Package: ${DEB_NAME}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKiB}
Depends: ${DEPENDS}
Section: net
Priority: optional
Description: ${summary}
 The command lars and the systemd services lars-agent, lars-dnsserver,
 lars-reporter, lars-proxy and lars-dispatch@, with the Node.js that they run
 on. No service is started by the installation: systemctl enable --now
 lars-agent starts one.
`;
}

/** 1.0.0-rc.1 comes before 1.0.0, and for dpkg that is written 1.0.0~rc.1. */
export function debVersion(version: string): string {
  return version.replace('-', '~');
}
