export * from './session.ts';
export { Mesh } from '../../../apps/client/src/lib/sync/mesh/mesh.ts';
