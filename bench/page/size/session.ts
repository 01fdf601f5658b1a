/** What a session has loaded before its mesh: only its size counts. */
export * as Y from 'yjs';
export * as awareness from 'y-protocols/awareness';
export * as sync from 'y-protocols/sync';
export { HubSocket } from '../../../apps/client/src/lib/sync/hub-socket.ts';
export { openMailbox } from '../../../apps/client/src/lib/sync/mailbox/open.ts';
export { Receipts } from '../../../apps/client/src/lib/sync/receipts/receipts.ts';
