/** The mesh as it is, for empty pages: bundled by the tests of the mesh. */
export * as Y from 'yjs';
export { Awareness } from 'y-protocols/awareness';
export { HubSocket } from '../src/lib/sync/hub-socket.ts';
export { Mesh } from '../src/lib/sync/mesh/mesh.ts';
