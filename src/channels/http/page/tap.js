// Passes the microphone's samples on, a few hundred at a time. Runs on the audio thread.
const BLOCK = 1024;

class Tap extends AudioWorkletProcessor {
  block = new Float32Array(BLOCK);
  filled = 0;

  process([input]) {
    const samples = input[0];
    if (!samples) return true;
    for (let from = 0; from < samples.length;) {
      const count = Math.min(samples.length - from, BLOCK - this.filled);
      this.block.set(samples.subarray(from, from + count), this.filled);
      this.filled += count;
      from += count;
      if (this.filled === BLOCK) {
        this.port.postMessage(this.block, [this.block.buffer]);
        this.block = new Float32Array(BLOCK);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('tap', Tap);
