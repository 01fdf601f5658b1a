/** The relay's origin: that of this build, or the one that serves the page. */
export function relayOrigin(): string {
  return new URL(__RELAY_URL__ || location.origin).origin;
}

/** The WebSocket address of the hub for a session. */
export function hubAddress(sessionId: string): string {
  const relay = new URL(relayOrigin());
  relay.protocol = relay.protocol.replace('http', 'ws');
  relay.pathname = `/signaling/${sessionId}`;
  return relay.href;
}
