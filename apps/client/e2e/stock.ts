/** The npm packages as they are, for pages that are not ours: bundled by {@link stockBundle}. */
export * as Y from 'yjs';
export { WebrtcProvider } from 'y-webrtc';
