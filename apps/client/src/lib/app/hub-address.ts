/** The WebSocket address of the hub for a session: at the relay of this build, or at the origin that serves the page. */
export function hubAddress(sessionId: string): string {
  const relay = new URL(__RELAY_URL__ || location.origin);
  relay.protocol = relay.protocol.replace('http', 'ws');
  relay.pathname = `/signaling/${sessionId}`;
  return relay.href;
}
