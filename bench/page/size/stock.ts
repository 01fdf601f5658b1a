export * from './session.ts';
export { WebrtcProvider } from '../../../apps/client/e2e/stock.ts';
