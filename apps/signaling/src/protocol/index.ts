export * from './base64url.ts';
export * from './envelope.ts';
export * from './ice.ts';
export * from './mailbox.ts';
export * from './problems.ts';
export * from './signaling.ts';
export * from './token.ts';
