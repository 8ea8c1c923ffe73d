// The microphone, open only while somebody wants to be heard: samples in, a WAV file out.

const RATE = 16000;

/** Opens the microphone; resolves once sound really arrives. `onLevel` gets 0 to 1 some forty times a second. */
export async function open(onLevel) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule('/page/tap.js');
    await context.resume();
    const tap = new AudioWorkletNode(context, 'tap', { numberOfInputs: 1, numberOfOutputs: 0 });
    const blocks = [];
    const first = new Promise((resolve) => {
      tap.port.onmessage = ({ data }) => {
        blocks.push(data);
        onLevel(loudness(data));
        resolve();
      };
    });
    context.createMediaStreamSource(stream).connect(tap);
    await first;
    return { close: () => close(stream, context, blocks), seconds: () => (blocks.length * blocks[0].length) / context.sampleRate };
  } catch (error) {
    release(stream, context);
    throw error;
  }
}

/** Lets go of the microphone and gives what was recorded as 16 kHz mono WAV. */
async function close(stream, context, blocks) {
  const rate = context.sampleRate;
  release(stream, context);
  return wav(await resampled(blocks, rate));
}

function release(stream, context) {
  for (const track of stream.getTracks()) track.stop();
  if (context.state !== 'closed') context.close();
}

function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  // -50 dB and below is silence, -10 dB a loud voice.
  const decibels = 10 * Math.log10(sum / samples.length + 1e-10);
  return Math.min(1, Math.max(0, (decibels + 50) / 40));
}

async function resampled(blocks, rate) {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const offline = new OfflineAudioContext(1, Math.max(1, Math.round((length * RATE) / rate)), RATE);
  const buffer = offline.createBuffer(1, Math.max(1, length), rate);
  const samples = buffer.getChannelData(0);
  let at = 0;
  for (const block of blocks) {
    samples.set(block, at);
    at += block.length;
  }
  const source = offline.createBufferSource();
  source.buffer = buffer;
  source.connect(offline.destination);
  source.start();
  return (await offline.startRendering()).getChannelData(0);
}

/** A WAV file of 16-bit samples (RIFF, format 1). */
function wav(samples) {
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const name = (at, text) => [...text].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  name(0, 'RIFF');
  bytes.setUint32(4, 36 + samples.length * 2, true);
  name(8, 'WAVEfmt ');
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, RATE, true);
  bytes.setUint32(28, RATE * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  name(36, 'data');
  bytes.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, i) => {
    bytes.setInt16(44 + i * 2, Math.round(Math.min(1, Math.max(-1, sample)) * 32767), true);
  });
  return new Blob([bytes.buffer], { type: 'audio/wav' });
}
