/** Everything happens in the browser: the relay serves this shell and never sees a session. */
export const ssr = false;
