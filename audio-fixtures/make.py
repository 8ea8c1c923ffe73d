#!/usr/bin/env python3
"""Makes the recordings that expected.json describes: synthetic speech, nobody's voice.

    audio-fixtures/make.py [NAME…]      all of them, or those whose file name contains a NAME

Two synthesizers speak: `wellspoken say` (voice "own"; build it first, and fetch the models), and flite (voices
slt, rms and awb; `apt-get install flite`). Noise is made here: pink (a fan), hum (a mains appliance) and babble
(other people talking, spoken by flite). Everything is seeded, so the same programs make the same files.
Needs Python 3 and nothing else. The recordings are checked in; tests never run this."""

import array
import json
import math
import operator
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import wave

HERE = pathlib.Path(__file__).resolve().parent
WELLSPOKEN = os.environ.get("WELLSPOKEN", str(HERE.parent / "target/debug/wellspoken"))
RATE = 16_000
LEAD, TAIL = 0.2, 0.3  # seconds of room before and after the words
BABBLE = [
    ("rms", "So then I told her that the bus was late again and we had to walk the whole way home in the rain."),
    ("slt", "They moved the garden chairs inside because the wind had been blowing them around all night long."),
    ("awb", "My brother is painting the kitchen yellow and nobody in the family likes it except for him."),
]


def main():
    wanted = sys.argv[1:]
    recordings = json.loads((HERE / "expected.json").read_text())["recordings"]
    with tempfile.TemporaryDirectory() as scratch:
        for recording in recordings:
            if not wanted or any(name in recording["file"] for name in wanted):
                samples = record(recording, pathlib.Path(scratch))
                write(HERE / recording["file"], samples)
                print(f"{recording['file']}  {len(samples) / RATE:.1f} s")
    total = sum(f.stat().st_size for f in HERE.glob("*.wav"))
    print(f"{total / 1e6:.2f} MB in all")


def record(recording, scratch):
    words = speak(recording["voice"], recording["say"], recording["speed"], scratch)
    silence = 0.02 * peak(words)
    loudness = rms([s for s in words if abs(s) > silence])
    samples = [0.0] * int(LEAD * RATE) + words + [0.0] * int(TAIL * RATE)
    if noise := recording.get("noise"):
        background = make_noise(noise["kind"], len(samples), recording["file"], scratch)
        gain = loudness / rms(background) / 10 ** (noise["snr"] / 20)
        samples = [s + gain * n for s, n in zip(samples, background)]
    gain = 10 ** (recording["level"] / 20) / peak(samples)
    return [s * gain for s in samples]


def speak(voice, text, speed, scratch):
    out = scratch / "speech.wav"
    if voice == "own":
        run(WELLSPOKEN, "say", text, "--speed", str(speed), "--out", str(out))
    else:
        run("flite", "-voice", voice, "--setf", f"duration_stretch={1 / speed}", "-t", text, "-o", str(out))
    samples, rate = read(out)
    return samples if rate == RATE else resample(samples, rate)


def make_noise(kind, length, seed, scratch):
    chance = random.Random(seed)
    if kind == "pink":
        # White noise through a sum of leaky integrators (Paul Kellet's "economy" pink filter).
        b0 = b1 = b2 = 0.0
        out = []
        for _ in range(length):
            white = chance.uniform(-1, 1)
            b0 = 0.99765 * b0 + white * 0.0990460
            b1 = 0.96300 * b1 + white * 0.2965164
            b2 = 0.57000 * b2 + white * 1.0526913
            out.append(b0 + b1 + b2 + white * 0.1848)
        return out
    if kind == "hum":
        tones = [(60 * n, 1 / n, chance.uniform(0, 2 * math.pi)) for n in (1, 2, 3, 5, 7, 10)]
        return [
            sum(a * math.sin(2 * math.pi * f * t / RATE + p) for f, a, p in tones) + chance.uniform(-0.05, 0.05)
            for t in range(length)
        ]
    if kind == "babble":
        out = [0.0] * length
        for voice, text in BABBLE:
            other = speak(voice, text, 1.0, scratch)
            start = chance.randrange(len(other))
            level = rms(other)
            for i in range(length):
                out[i] += other[(start + i) % len(other)] / level
        return out
    raise SystemExit(f"expected.json: no noise is called {kind!r}; use pink, hum or babble")


def resample(samples, rate):
    """Windowed-sinc interpolation, with the cut-off below half the lower rate. 24 to 16 kHz needs two kernels."""
    step = rate // math.gcd(rate, RATE), RATE // math.gcd(rate, RATE)
    cut = min(1.0, RATE / rate) * 0.94
    reach = int(16 / cut)
    kernels = []
    for phase in range(step[1]):
        places = [phase / step[1] - j for j in range(1 - reach, reach + 1)]
        sincs = [cut if x == 0 else math.sin(math.pi * cut * x) / (math.pi * x) for x in places]
        kernels.append([s * (0.5 + 0.5 * math.cos(math.pi * x / (reach + 1))) for s, x in zip(sincs, places)])
    padded = [0.0] * reach + samples + [0.0] * (reach + 1)
    out = []
    for i in range(len(samples) * step[1] // step[0]):
        whole, phase = divmod(i * step[0], step[1])
        out.append(sum(map(operator.mul, kernels[phase], padded[whole + 1 : whole + 1 + 2 * reach])))
    return out


def read(path):
    with wave.open(str(path)) as file:
        pcm = array.array("h", file.readframes(file.getnframes()))
        return [s / 32768 for s in pcm], file.getframerate()


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(array.array("h", [round(max(-1.0, min(1.0, s)) * 32767) for s in samples]).tobytes())


def rms(samples):
    return math.sqrt(sum(s * s for s in samples) / len(samples))


def peak(samples):
    return max(abs(s) for s in samples)


def run(*command):
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        raise SystemExit(f"{command[0]} is not there; see the top of {__file__}")
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{command[0]} failed with {error.returncode}")


main()
