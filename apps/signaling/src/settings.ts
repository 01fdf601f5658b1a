import { readAccess, type Access, type AccessVariables } from './access.ts';
import { readWholeNumber, VariableError } from './variables.ts';

/** Where a hub without a Worker is: at the root as y-webrtc's own server, and where the relay's is. */
export const HUB_PATH = /^\/(?:signaling(?:\/[\w-]{22})?)?$/;

/** How the hub runs where there is no Worker. */
export interface HubSettings {
  /** 0 is any that is free. */
  readonly port: number;
  /** An address of the machine; null for all of them, IPv6 and IPv4, or what it has of both. */
  readonly host: string | null;
  readonly access: Access;
  /** Sockets that one IP prefix may have open at once ([HB40]). */
  readonly connectionsPerPrefix: number;
  /** The header in which a proxy in front tells the visitor's address; null where there is none. */
  readonly addressHeader: string | null;
  /** What `GET /health` tells. */
  readonly version: string;
}

/** The variables of the process that {@link readHubSettings} reads. */
export interface HubVariables extends AccessVariables {
  readonly PORT?: string | undefined;
  readonly HOST?: string | undefined;
  readonly CONNECTIONS_PER_PREFIX?: string | undefined;
  readonly ADDRESS_HEADER?: string | undefined;
  readonly VERSION?: string | undefined;
}

/**
 * What the process's variables say of the hub, with defaults for what they do not.
 *
 * @throws {VariableError} names the first one that is of no use
 */
export function readHubSettings(variables: HubVariables): HubSettings {
  const { PORT, HOST, CONNECTIONS_PER_PREFIX, ADDRESS_HEADER, VERSION } = variables;
  if (ADDRESS_HEADER !== undefined && !/^[\w-]*$/.test(ADDRESS_HEADER)) {
    throw new VariableError('ADDRESS_HEADER', 'the name of a header, such as x-forwarded-for');
  }
  return {
    port: PORT === '0' ? 0 : readWholeNumber('PORT', PORT, 4444, 65_535),
    host: HOST ?? null,
    access: readAccess(variables),
    connectionsPerPrefix: readWholeNumber('CONNECTIONS_PER_PREFIX', CONNECTIONS_PER_PREFIX, 500),
    addressHeader: ADDRESS_HEADER?.toLowerCase() || null,
    version: VERSION ?? 'development',
  };
}
