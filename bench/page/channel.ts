import { timed } from './clock.ts';

/** As the mesh does it: so much at once, and no more while so much waits in the browser. In bytes. */
const [FRAME, WAITING] = [65_536, 1_048_576];

let connection = new RTCPeerConnection();
let channel: RTCDataChannel | undefined;
let arrived: Promise<number> | undefined;

/** Begins a connection with a bare data channel; answers the offer. */
export async function offerChannel(): Promise<string> {
  connection = new RTCPeerConnection();
  channel = connection.createDataChannel('bare');
  return describe(await connection.createOffer());
}

/** Listens to a bare data channel for so many bytes; answers the answer. */
export async function answerChannel(offer: string, bytes: number): Promise<string> {
  connection = new RTCPeerConnection();
  arrived = new Promise((resolve) => {
    connection.ondatachannel = ({ channel }) => {
      let received = 0;
      const whole = timed(
        () =>
          new Promise<void>((done) => {
            channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
              received += data.byteLength;
              if (received >= bytes) done();
            };
          }),
      );
      resolve(whole);
    };
  });
  await connection.setRemoteDescription({ type: 'offer', sdp: offer });
  return describe(await connection.createAnswer());
}

/** Sends so many bytes as soon as the channel is open. */
export async function sendThroughChannel(answer: string, bytes: number): Promise<void> {
  const open = channel;
  if (!open) throw new Error('a channel was offered before');
  open.bufferedAmountLowThreshold = WAITING / 4;
  await connection.setRemoteDescription({ type: 'answer', sdp: answer });
  await new Promise((resolve) => (open.onopen = resolve));
  for (let sent = 0; sent < bytes; sent += FRAME) {
    if (open.bufferedAmount >= WAITING) await new Promise((resolve) => (open.onbufferedamountlow = resolve));
    open.send(new Uint8Array(FRAME));
  }
}

/** @returns milliseconds from when the channel was open until all had come; the connection ends */
export async function receivedByChannel(): Promise<number> {
  const took = await arrived;
  if (took === undefined) throw new Error('a channel was answered before');
  connection.close();
  return took;
}

async function describe(description: RTCSessionDescriptionInit): Promise<string> {
  await connection.setLocalDescription(description);
  while (connection.iceGatheringState !== 'complete')
    await new Promise((resolve) => (connection.onicegatheringstatechange = resolve));
  return connection.localDescription?.sdp ?? '';
}
