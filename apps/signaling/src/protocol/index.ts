export * from './signaling.ts';
