/**
 * Opens a way to the other tabs of this browser.
 *
 * @param receive told what another tab has posted; it may be of another version
 * @returns posts to all others; does nothing where the browser gives no such way, because site data is blocked
 */
export function openTabChannel(
  name: string,
  receive: (message: unknown) => void,
): (message: unknown) => void {
  try {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) => receive(data);
    return (message) => channel.postMessage(message);
  } catch {
    return () => undefined;
  }
}
